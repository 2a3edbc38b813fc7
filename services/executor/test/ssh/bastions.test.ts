import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createSshKey, testInternalKey } from '@opsconductor/test-peers'
import { request } from 'undici'
import { createJob, runToEnd } from '../support/executor.ts'
import { sendJson, startTarget } from '../support/target-server.ts'
import { addBastion, addCredential, runOne, startWithSshd, type WithSshd } from './ssh-targets.ts'

let with_: WithSshd<'one' | 'two' | 'three' | 'closed' | 'web'>
let target: Awaited<ReturnType<typeof startTarget>>
const via: Record<string, string> = {}
beforeAll(async () => {
  target = await startTarget(({ url }, response) => {
    sendJson(response, { url, from: response.socket?.remotePort })
  })
  with_ = await startWithSshd({
    one: {},
    two: {},
    three: {},
    closed: { config: ['AllowTcpForwarding no'] },
    web: {},
  })
  const { executor } = with_
  await with_.alsoOpen(target.port, Number(new URL(executor.database.ownerUrl).port))
  for (const name of ['one', 'two', 'three', 'closed'] as const)
    via[name] = await addBastion(executor, { ...with_.at(name), credential: with_.credentialOf(name) })
  executor.broker.add({
    projectId: executor.projectId,
    ...{ name: 'db', type: 'db_dsn', secret: { dsn: executor.database.urlOf('executor') } },
  })
}, 60_000)
afterAll(async () => {
  await with_?.stop()
  await target?.close()
})

const names = (...keys: string[]) => keys.map((key) => via[key] ?? key)
const ssh = (command: string, more: Record<string, unknown> = {}) => ({
  ...{ type: 'ssh.exec', credential: with_.credentialOf('web') },
  input: { ...with_.at('web'), command },
  ...more,
})

test('000.34 000.37 a command runs on a server that is reached through three bastions, each with a login of its own', async () => {
  const { output } = await runOne(
    with_.executor,
    ssh('echo "$SSH_CONNECTION"', { via: names('one', 'two', 'three') }),
  )
  expect(output.stdout).toMatch(/^127\.0\.0\.1 \d+ 127\.0\.0\.1 \d+\n$/)
  // Who holds the connection to the server is the last bastion.
  const [, port] = output.stdout.split(' ')
  const direct = await runOne(with_.executor, ssh('echo "$SSH_CONNECTION"'))
  expect(direct.output.stdout.split(' ')[1]).not.toBe(port)
})

test.each([
  ['http.get', () => ({ type: 'http.get', input: { url: `${target.url}/a` } }), { status: 200 }],
  [
    'sql.query',
    () => ({ type: 'sql.query', credential: 'db', input: { sql: 'SELECT 1 AS one' } }),
    { rows: [{ one: 1 }] },
  ],
  [
    'ssh.download',
    () => ({ ...ssh(''), type: 'ssh.download', input: { ...with_.at('web'), path: '/etc/hostname' } }),
    { bytes: expect.any(Number) },
  ],
])('000.36 %s reaches its target through bastions', async (_, step, output) => {
  const run = await runOne(with_.executor, { ...step(), via: names('one', 'two') })
  expect([run.error, run.output]).toEqual([null, expect.objectContaining(output)])
})

test('000.37 the broker is told what a step needs of its bastions, and lends it for that step', async () => {
  const { executor } = with_
  const job = await createJob(executor, {
    steps: [{ id: 'only', ...ssh('true', { via: names('one', 'two') }) }],
  })
  executor.broker.lent.length = 0
  const run = await runToEnd(executor, job.id)
  const pinned = await request(`${executor.internalUrl}/internal/runs/${run.id}`, {
    headers: { 'x-internal-key': testInternalKey },
  })
  const { steps } = (await pinned.body.json()) as { steps: { credentials: string[] }[] }
  const needed = (['web', 'one', 'two'] as const).map(with_.credentialOf).sort()
  expect(steps[0]?.credentials.sort()).toEqual(needed)
  expect(executor.broker.lent.map(({ reference }) => reference).sort()).toEqual(needed)
  expect(executor.broker.lent.every(({ step_id }) => step_id === 'only')).toBe(true)
})

test('a bastion whose key is not known is refused by name, and its key is told', async () => {
  const { executor } = with_
  const stranger = await addBastion(executor, {
    host: 'localhost',
    port: with_.sshd.one.port,
    credential: with_.credentialOf('one'),
  })
  executor.broker.reportedHostKeys.length = 0
  const { error } = await runOne(executor, ssh('true', { via: [stranger] }))
  expect([error.code, error.message]).toEqual([
    'target_refused',
    expect.stringMatching(
      RegExp(`^Bastion ${stranger}: The host key of localhost:\\d+ is not known \\(ssh-ed25519 SHA256:`),
    ),
  ])
  const [type, base64] = with_.sshd.one.hostKey.publicKey.split(' ')
  expect(executor.broker.reportedHostKeys).toEqual([
    {
      project_id: executor.projectId,
      host: 'localhost',
      port: with_.sshd.one.port,
      key: `${type} ${base64}`,
    },
  ])
})

test('a bastion that allows no tunnels, refuses the login, or may not be sent its credential fails the step clearly', async () => {
  const { executor, at } = with_
  const { username } = with_.sshd.one
  addCredential(executor, 'wrong key', { username, clientKey: createSshKey() })
  addCredential(executor, 'limited', with_.sshd.one, { limits_hosts: ['elsewhere.example'] })
  const refusing = await addBastion(executor, { ...at('one'), credential: 'wrong key' })
  const limited = await addBastion(executor, { ...at('one'), credential: 'limited' })
  for (const [name, code, words] of [
    [via.closed, 'target_refused', 'The bastion does not allow tunnels'],
    [refusing, 'target_refused', `Bastion ${refusing}: The SSH server refused the login`],
    [limited, 'outbound_denied', `The credential of the bastion ${limited} may not be sent to it`],
  ]) {
    const { error } = await runOne(executor, { type: 'http.get', input: { url: target.url }, via: [name] })
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(words as string)])
  }
})

test('000.48 what stands behind bastions is held against the policy as well, bastions too', async () => {
  const { executor } = with_
  for (const url of [
    'http://169.254.169.254/latest',
    'http://127.0.0.1:9/',
    'http://localhost:9/',
    'http://0x7f.1:9/',
  ]) {
    const { error } = await runOne(executor, { type: 'http.get', input: { url }, via: names('one') })
    expect([url, error.code]).toEqual([url, 'outbound_denied'])
  }
  const denied = await addBastion(executor, {
    host: '127.0.0.1',
    port: 9,
    credential: with_.credentialOf('one'),
  })
  for (const way of [[denied], [...names('one'), denied]]) {
    const { error } = await runOne(executor, ssh('true', { via: way }))
    expect(error.code).toBe('outbound_denied')
  }
})

test('a SQLite file is not behind a bastion: the step says so', async () => {
  const { executor } = with_
  const { projectId } = executor
  executor.broker.add({ projectId, name: 'lite', type: 'db_dsn', secret: { dsn: 'sqlite:///main.db' } })
  const step = { type: 'sql.query', credential: 'lite', input: { sql: 'SELECT 1' }, via: names('one') }
  expect((await runOne(executor, step)).error).toMatchObject({
    code: 'step_failed',
    message: 'SQLite files are on this machine and not behind bastions: leave via out.',
  })
})

test('a closed port behind a bastion is an unreachable target', async () => {
  const closed = await startTarget(() => {})
  await closed.close()
  await with_.alsoOpen(closed.port)
  const step = { type: 'http.get', input: { url: closed.url }, via: names('one'), max_attempts: 1 }
  expect((await runOne(with_.executor, step)).error).toMatchObject({ code: 'target_unreachable' })
})

test('a bastion that takes the connection and says nothing does not outlive the step', async () => {
  const silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const { port } = silent.address() as { port: number }
  await with_.alsoOpen(port)
  const name = await addBastion(with_.executor, {
    host: '127.0.0.1',
    port,
    credential: with_.credentialOf('one'),
  })
  for (const way of [[name], [...names('one'), name]]) {
    const { error } = await runOne(with_.executor, ssh('true', { via: way, timeout_seconds: 1 }))
    expect(error).toMatchObject({ code: 'step_timeout', message: 'The step took longer than 1 seconds.' })
  }
  silent.close()
})

test('bastions are made, listed, changed and deleted; a job that names a deleted one fails', async () => {
  const { executor } = with_
  const made = await executor.call('POST', '/api/bastions', {
    ...{ name: 'Gate A', host: 'Gate-A.Example', credential: with_.credentialOf('one') },
  })
  expect([made.status, made.headers.location]).toEqual([201, `/api/bastions/${made.body.id}`])
  expect(made.body).toMatchObject({
    host: 'gate-a.example',
    port: 22,
    description: null,
    project_id: executor.projectId,
  })
  expect((await executor.call('GET', `/api/bastions/${made.body.id}`)).body).toEqual(made.body)
  expect((await executor.call('GET', '/api/bastions?limit=1')).body.items).toEqual([made.body])
  const changed = await executor.call('PUT', `/api/bastions/${made.body.id}`, with_.at('one'))
  expect(changed.body).toMatchObject({ name: 'Gate A', ...with_.at('one') })
  const job = await createJob(executor, { steps: [{ id: 'only', ...ssh('echo hi', { via: ['Gate A'] }) }] })
  expect((await runToEnd(executor, job.id)).output.stdout).toBe('hi\n')
  expect((await executor.call('DELETE', `/api/bastions/${made.body.id}`)).status).toBe(204)
  for (const method of ['GET', 'DELETE'])
    expect((await executor.call(method, `/api/bastions/${made.body.id}`)).status).toBe(404)
  expect((await runToEnd(executor, job.id)).error).toMatchObject({
    code: 'step_failed',
    message: 'The project has no bastion Gate A (any more).',
  })
})

test.each<[string, Record<string, unknown>, number, string]>([
  ['a name that is taken', { name: () => via.one }, 409, 'body.name'],
  ['no name', { name: '' }, 422, 'body.name'],
  ['a name with a line end', { name: 'a\nb' }, 422, 'body.name'],
  ['a pattern as host', { host: '*.example.com' }, 422, 'body.host'],
  ['a host with a port', { host: 'a:22' }, 422, 'body.host'],
  ['port 0', { port: 0 }, 422, 'body.port'],
  ['port 65536', { port: 65_536 }, 422, 'body.port'],
  ['a credential that is not there', { credential: 'nobody' }, 422, 'body.credential'],
  ['a credential of another type', { credential: 'db' }, 422, 'body.credential'],
  ['a field too many', { via: ['one'] }, 422, 'body'],
])('a bastion with %s is refused, naming the field', async (_, fault, status, path) => {
  const given = Object.fromEntries(
    Object.entries(fault).map(([name, value]) => [name, typeof value === 'function' ? value() : value]),
  )
  const answer = await with_.executor.call('POST', '/api/bastions', {
    ...{ name: 'new', host: 'h.example', credential: with_.credentialOf('one') },
    ...given,
  })
  expect([answer.status, answer.body.errors?.[0]?.path]).toEqual([status, path])
})

test.each([
  ['of nobody', () => ({ via: ['nobody'] }), 'via[0]', 'is not a bastion of this project'],
  ['twice', () => ({ via: names('one', 'two', 'one') }), 'via[2]', 'circle'],
  [
    'of a step that connects otherwise',
    () => ({ type: 'snmp.get', via: names('one') }),
    'via',
    'is not used by snmp.get',
  ],
])('a job that names a bastion %s is refused when it is saved', async (_, more, at, words) => {
  const { status, body } = await with_.executor.call('POST', '/api/jobs', {
    name: 'via',
    steps: [{ id: 'only', ...ssh('true'), ...more() }],
  })
  const errors = body.errors as { path: string; message: string }[]
  expect([status, errors.find(({ path }) => path === `body.steps[0].${at}`)?.message]).toEqual([
    422,
    expect.stringContaining(words),
  ])
})
