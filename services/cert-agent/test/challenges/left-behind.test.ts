import { randomUUID } from 'node:crypto'
import { Resolver } from 'node:dns/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type Challenge, NginxSettings } from '@opsconductor/contracts'
import { type BindPeer, type SshdPeer, startBind, startSshd } from '@opsconductor/test-peers'
import { cleanUpLeft } from '../../src/challenges/clean-up-left.ts'
import { solverFor } from '../../src/challenges/solver-for.ts'
import { addLogin, trust } from '../deploying/support.ts'
import { type AgentUnderTest, startAgent } from '../support/agent.ts'

const { signal } = new AbortController()
const minuteMs = 60_000
let agent: AgentUnderTest
let bind: BindPeer
let sshd: SshdPeer
let dns: Challenge
let onServer: Challenge
let accountCredentialId: string
let serverId: string
beforeAll(async () => {
  ;[bind, sshd] = await Promise.all([startBind(['_acme-challenge.away CNAME away.alias.test.']), startSshd()])
  agent = await startAgent({ isIdle: true, environment: { DNS_RESOLVERS: bind.address } })
  agent.executor.open(bind.port, sshd.port)
  trust(agent, sshd)
  const { name: key_name, algorithm, secret } = bind.keys['hmac-sha256']
  const { projectId } = agent
  agent.broker.add({
    projectId,
    name: 'dns',
    type: 'tsig',
    secret: { secret },
    extra: { key_name, algorithm },
  })
  const { body: account } = await agent.call('POST', '/api/certificates/dns-accounts', {
    ...{ name: 'dns', provider: 'rfc2136', credential: 'dns' },
    settings: { server: '127.0.0.1', port: bind.port },
  })
  accountCredentialId = account.credential_id
  dns = { type: 'dns-01', dns_account_id: account.id, alias: null }
  const server = await agent.deps.prisma.server.create({
    data: {
      ...{ projectId, name: 'web', host: sshd.host, port: sshd.port, createdBy: 'test' },
      ...{ credentialId: addLogin(agent, sshd).id, nginx: NginxSettings.parse({}) },
    },
  })
  serverId = server.id
  onServer = { type: 'http-01', server_id: server.id, webroot: join(sshd.home, 'www') }
})
afterAll(async () => {
  await Promise.all([agent?.stop(), bind?.close(), sshd?.close()])
})

/** As a process does that dies before it cleans up. */
async function present(name: string, challenge: Challenge, operationId: string = randomUUID()) {
  const token = randomUUID()
  const given = { token, keyAuthorization: `${token}.${'t'.repeat(43)}` }
  const of = { projectId: agent.projectId, operationId, actor: 'tester', signal }
  const solver = solverFor(agent.deps, { ...of, challenges: [challenge] })
  await solver.present(name, given)
  return { ...given, solver }
}
async function valuesAt(fqdn: string): Promise<string[][]> {
  const resolver = new Resolver()
  resolver.setServers([bind.address])
  return resolver.resolveTxt(fqdn).catch(() => [])
}
const valuesOf = (name: string) => valuesAt(`_acme-challenge.${name}`)
const cleanUp = (afterMs = 0) =>
  cleanUpLeft({ ...agent.deps, now: () => new Date(Date.now() + afterMs) }, signal)
const rows = async () =>
  (await agent.owner.query('SELECT name, attempts FROM cert_agent.presented_challenges ORDER BY name')).rows
const cleanUps = () =>
  agent.deps.prisma.operation.findMany({ where: { kind: 'clean-up' }, orderBy: { createdAt: 'asc' } })

test('004.10 a record and a file that a process left behind are taken away, each by an operation that names what it borrows', async () => {
  const operationId = randomUUID()
  await present('dead.zone.test', dns, operationId)
  await present('*.dead.zone.test', dns, operationId)
  await present('too.zone.test', dns, operationId)
  const { token } = await present('dead.zone.test', onServer, operationId)
  const file = join(sshd.home, 'www/.well-known/acme-challenge', token)
  expect([(await valuesOf('dead.zone.test')).length, existsSync(file)]).toEqual([2, true])
  await cleanUp()
  for (const name of ['dead.zone.test', 'too.zone.test']) expect(await valuesOf(name)).toEqual([])
  expect([existsSync(file), await rows()]).toEqual([false, []])
  const done = await cleanUps()
  expect(done.map(({ state, actor, request, result }) => ({ state, actor, request, result }))).toEqual(
    expect.arrayContaining([
      {
        state: 'succeeded',
        actor: 'schedule',
        request: { operation_id: operationId },
        result: { cleaned_up: 3 },
      },
      {
        state: 'succeeded',
        actor: 'schedule',
        request: { operation_id: operationId },
        result: { cleaned_up: 1 },
      },
    ]),
  )
  expect(done.find((one) => one.serverId === null)?.credentials).toEqual([accountCredentialId])
  expect(done.some((one) => one.serverId === serverId)).toBe(true)
})

test('a record is taken away from where it was put, wherever the CNAME of its name leads since', async () => {
  await present('away.zone.test', dns)
  expect(await valuesAt('away.alias.test')).toHaveLength(1)
  const config = { ...agent.deps.config, DNS_RESOLVERS: ['127.0.0.1:1'] }
  await cleanUpLeft({ ...agent.deps, config }, signal)
  expect([await valuesAt('away.alias.test'), await rows()]).toEqual([[], []])
})

test('what was cleaned up in time leaves nothing to do', async () => {
  const { solver, ...given } = await present('done.zone.test', dns)
  await solver.cleanUp('done.zone.test', given)
  expect(await rows()).toEqual([])
})

test('what an operation under way has presented stays, until it has ended or a day is over', async () => {
  const { projectId, deps } = agent
  const { id } = await deps.operations.insert({ projectId, kind: 'issue', actor: 'tester' }, 'running')
  await present('used.zone.test', dns, id)
  await cleanUp(12 * 60 * minuteMs)
  expect(await valuesOf('used.zone.test')).toHaveLength(1)
  await deps.operations.close(id, { state: 'cancelled', error: { code: 'run_cancelled', message: 'x' } })
  await cleanUp()
  expect(await valuesOf('used.zone.test')).toEqual([])
})

test('what cannot be taken away is tried again later and later, and given up at last', async () => {
  const { body: account } = await agent.call('POST', '/api/certificates/dns-accounts', {
    ...{ name: 'going', provider: 'rfc2136', credential: 'dns' },
    settings: { server: '127.0.0.1', port: bind.port },
  })
  await present('kept.zone.test', { type: 'dns-01', dns_account_id: account.id, alias: null })
  await agent.call('DELETE', `/api/certificates/dns-accounts/${account.id}`)
  await cleanUp()
  await cleanUp()
  expect(await rows()).toEqual([{ name: 'kept.zone.test', attempts: 1 }])
  expect(await cleanUps()).toContainEqual(
    expect.objectContaining({
      state: 'failed',
      error: { code: 'target_failed', message: '1 of 1 challenges could not be taken away.' },
    }),
  )
  await cleanUp(2 * minuteMs)
  expect(await rows()).toEqual([{ name: 'kept.zone.test', attempts: 2 }])
  for (let hours = 10; hours <= 80; hours += 10) await cleanUp(hours * 60 * minuteMs)
  expect(await rows()).toEqual([])
})
