import { randomUUID } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { NginxSettings } from '@opsconductor/contracts'
import { type SshdPeer, startSshd } from '@opsconductor/test-peers'
import { solverFor } from '../../src/challenges/solver-for.ts'
import { addLogin, trust } from '../deploying/support.ts'
import { type AgentUnderTest, startAgent } from '../support/agent.ts'

let agent: AgentUnderTest
let sshd: SshdPeer
let serverId: string
beforeAll(async () => {
  // As hardened hosts have it: what is made there is for its account alone, unless somebody says otherwise.
  const programs = { sh: '#!/bin/sh\numask 077\nexec /bin/sh "$@"\n' }
  ;[agent, sshd] = await Promise.all([startAgent(), startSshd({ programs })])
  agent.executor.open(sshd.port)
  trust(agent, sshd)
  const server = await agent.deps.prisma.server.create({
    data: {
      ...{ projectId: agent.projectId, name: 'web', host: sshd.host, port: sshd.port, createdBy: 'test' },
      ...{ credentialId: addLogin(agent, sshd).id, nginx: NginxSettings.parse({}) },
    },
  })
  serverId = server.id
})
afterAll(async () => {
  await Promise.all([agent?.stop(), sshd?.close()])
})

const solver = (webroot: string, signal = new AbortController().signal) =>
  solverFor(agent.deps, {
    ...{ projectId: agent.projectId, operationId: randomUUID(), actor: 'tester', signal },
    challenges: [{ type: 'http-01', server_id: serverId, webroot }],
  })
const response = () => {
  const token = randomUUID()
  return { token, keyAuthorization: `${token}.${'t'.repeat(43)}` }
}

/** A folder that everybody may write to. */
function makeElsewhere(): string {
  const path = mkdtempSync(join(tmpdir(), 'elsewhere-'))
  chmodSync(path, 0o777)
  return path
}

test('004.10 http-01 on a server: the file is below its web root, readable by all, until it is cleaned up', async () => {
  const webroot = join(sshd.home, 'www')
  const given = response()
  const { choose, present, visible, cleanUp } = solver(webroot)
  expect(choose('a.test')).toBe('http-01')
  await present('a.test', given)
  await present('a.test', given)
  await visible('a.test', given)
  const file = join(webroot, '.well-known/acme-challenge', given.token)
  expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual([given.keyAuthorization, 0o644])
  for (const folder of [dirname(file), dirname(dirname(file)), webroot])
    expect(statSync(folder).mode & 0o777).toBe(0o755)
  expect(readdirSync(dirname(file))).toEqual([given.token])
  await cleanUp('a.test', given)
  await cleanUp('a.test', given)
  expect(existsSync(file)).toBe(false)
})

test.each(['.well-known', '.well-known/acme-challenge'])(
  'nothing is written where %s is a link that leads out of the web root',
  async (linked) => {
    const webroot = join(sshd.home, randomUUID())
    const elsewhere = makeElsewhere()
    mkdirSync(dirname(join(webroot, linked)), { recursive: true })
    symlinkSync(elsewhere, join(webroot, linked))
    await expect(solver(webroot).present('a.test', response())).rejects.toMatchObject({
      code: 'target_refused',
      message: expect.stringContaining('leads out of it: nothing was written'),
    })
    expect(readdirSync(elsewhere)).toEqual([])
    rmSync(elsewhere, { recursive: true })
  },
)

test('nothing is taken away where a link leads out of the web root since', async () => {
  const webroot = join(sshd.home, 'swapped')
  const given = response()
  const { present, cleanUp } = solver(webroot)
  await present('a.test', given)
  const folder = join(webroot, '.well-known/acme-challenge')
  const elsewhere = makeElsewhere()
  writeFileSync(join(elsewhere, given.token), 'of somebody else')
  renameSync(folder, join(webroot, 'aside'))
  symlinkSync(elsewhere, folder)
  await cleanUp('a.test', given)
  expect(readdirSync(elsewhere)).toEqual([given.token])
  rmSync(elsewhere, { recursive: true })
})

test('what was put on a server is cleaned up though the operation was stopped', async () => {
  const webroot = join(sshd.home, 'stopped')
  const [stop, given] = [new AbortController(), response()]
  const { present, cleanUp } = solver(webroot, stop.signal)
  await present('a.test', given)
  stop.abort(new Error('stopped'))
  await cleanUp('a.test', given)
  expect(readdirSync(join(webroot, '.well-known/acme-challenge'))).toEqual([])
})
