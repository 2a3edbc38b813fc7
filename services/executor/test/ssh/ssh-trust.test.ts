import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { trustTopics } from '@opsconductor/contracts'
import { publishEvent } from '@opsconductor/events'
import { createSshKey } from '@opsconductor/test-peers'
import pg from 'pg'
import { createJob, runToEnd } from '../support/executor.ts'
import { addCredential, runOne, startWithSshd, trust, type WithSshd } from './ssh-targets.ts'

let with_: WithSshd<'web'>
let owner: pg.Client
beforeAll(async () => {
  with_ = await startWithSshd({ web: {} })
  owner = new pg.Client({ connectionString: with_.executor.database.ownerUrl })
  await owner.connect()
}, 60_000)
afterAll(async () => {
  await owner?.end()
  await with_?.stop()
})

const step = (host: string, more: Record<string, unknown> = {}) => ({
  ...{ type: 'ssh.exec', credential: with_.credentialOf('web') },
  input: { host, port: with_.sshd.web.port, command: 'echo "$SSH_CONNECTION"' },
  ...more,
})
const run = (host: string, more?: Record<string, unknown>) => runOne(with_.executor, step(host, more))
/** The port that the connection comes from: another for each connection. */
const comesFrom = async (host: string, more?: Record<string, unknown>) =>
  (await run(host, more)).output.stdout.split(' ')[1] as string
const keysOf = (host: string) => with_.executor.broker.hostKeys.filter((key) => key.host === host)

/** What the broker does when trust has changed. */
const announce = () => publishEvent(owner, { topic: trustTopics.trustChanged, key: with_.executor.projectId })

test('000.47 a host that nobody has approved is refused, its key told, and its commands run once it is trusted', async () => {
  const { executor, sshd } = with_
  const { error } = await run('new.example')
  expect([error.code, error.message]).toEqual([
    'target_refused',
    expect.stringContaining(`(ssh-ed25519 ${sshd.web.hostKey.fingerprint})`),
  ])
  expect(executor.broker.reportedHostKeys).toMatchObject([{ host: 'new.example', port: sshd.web.port }])
  trust(executor, sshd.web.hostKey, { host: 'new.example', port: sshd.web.port })
  await announce()
  expect((await run('new.example')).status).toBe('succeeded')
  expect(executor.broker.reportedHostKeys).toHaveLength(1)
})

test('a host that shows another key than the trusted one is refused loudly, and no command runs', async () => {
  const { executor, sshd } = with_
  trust(executor, createSshKey(), { host: 'changed.example', port: sshd.web.port })
  const { error } = await run('changed.example')
  expect([error.code, error.message]).toEqual([
    'target_refused',
    expect.stringMatching(/^THE HOST KEY OF changed\.example:\d+ HAS CHANGED/),
  ])
})

test('000.38 steps share a connection, until its key is revoked', async () => {
  const { executor, sshd } = with_
  trust(executor, sshd.web.hostKey, { host: 'shared.example', port: sshd.web.port })
  const job = await createJob(executor, {
    steps: ['a', 'b', 'c'].map((id) => ({ id, ...step('shared.example') })),
    output: ['{{ steps.a.stdout }}', '{{ steps.b.stdout }}', '{{ steps.c.stdout }}'],
  })
  const [first, ...others] = (await runToEnd(executor, job.id)).output as string[]
  expect(others).toEqual([first, first])
  for (const key of keysOf('shared.example')) key.revoked = true
  await announce()
  const { error } = await run('shared.example')
  expect(error.message).toMatch(/shows a revoked key/)
  expect(executor.broker.reportedHostKeys.some(({ host }) => host === 'shared.example')).toBe(false)
})

test('a changed secret, or another credential, has a connection of its own', async () => {
  const { executor, sshd } = with_
  trust(executor, sshd.web.hostKey, { host: 'own.example', port: sshd.web.port })
  const login = addCredential(executor, 'own login', sshd.web)
  const mine = { credential: 'own login' }
  const first = await comesFrom('own.example', mine)
  expect(await comesFrom('own.example', mine)).toBe(first)
  expect(await comesFrom('own.example')).not.toBe(first)
  login.secret.password = 'and a password now'
  expect(await comesFrom('own.example', mine)).not.toBe(first)
})

test('a credential that is limited to other hosts is not sent, also where a connection is open', async () => {
  const { executor, sshd } = with_
  trust(executor, sshd.web.hostKey, { host: 'limited.example', port: sshd.web.port })
  const login = addCredential(executor, 'soon limited', sshd.web)
  expect((await run('limited.example', { credential: 'soon limited' })).status).toBe('succeeded')
  login.limits_hosts = ['elsewhere.example']
  expect((await run('limited.example', { credential: 'soon limited' })).error).toMatchObject({
    code: 'outbound_denied',
  })
})

test('000.48 a closed port of the policy, and a login that is refused, are said as what they are', async () => {
  const { executor, sshd } = with_
  const { port: _, ...input } = step('new.example').input
  expect((await runOne(executor, { ...step('new.example'), input })).error).toMatchObject({
    code: 'outbound_denied',
  })
  addCredential(executor, 'stranger', { username: sshd.web.username, clientKey: createSshKey() })
  const { error } = await run('new.example', { credential: 'stranger' })
  expect(error).toMatchObject({
    code: 'target_refused',
    message: 'The SSH server refused the login with this user and credential.',
  })
})
