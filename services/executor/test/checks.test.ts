import { randomBytes, randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { testInternalKey } from '@opsconductor/test-peers'
import pg from 'pg'
import { request } from 'undici'
import { runCheck } from '../src/checks/run-check.ts'
import { createJob, type ExecutorUnderTest, runToEnd, startExecutor } from './support/executor.ts'
import { startTarget } from './support/target-server.ts'

let executor: ExecutorUnderTest
let target: Awaited<ReturnType<typeof startTarget>>
let silent: Server
let silentPort: number
const token = `tok-${randomBytes(12).toString('base64url')}`
const wrongPassword = `wrong-${randomBytes(9).toString('base64url')}/é`

beforeAll(async () => {
  target = await startTarget(({ url, headers }, response) => {
    if (url === '/stream') {
      response.writeHead(200).write('never ends')
      return
    }
    const good = headers.authorization === `Bearer ${token}` && url !== '/refuses'
    const status = Number(/^\/status\/(\d+)$/.exec(url)?.[1] ?? (good ? 200 : 401))
    response
      .writeHead(status, { 'x-echo': `${headers.authorization}` })
      .end(`you sent ${headers.authorization}`)
  })
  silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  silentPort = (silent.address() as { port: number }).port
  executor = await startExecutor()
  const databasePort = Number(new URL(executor.database.ownerUrl).port)
  await executor.open(target.port, databasePort, silentPort, 1)
  const { broker, projectId } = executor
  const dsn = (change: (url: URL) => void) => {
    const url = new URL(executor.database.urlOf('executor'))
    change(url)
    return url.href
  }
  const addDsn = (name: string, change: (url: URL) => void, limits_hosts: string[] | null = null) =>
    broker.add({ projectId, name, type: 'db_dsn', secret: { dsn: dsn(change) }, limits_hosts })
  broker.add({ projectId, name: 'token', type: 'bearer_token', secret: { token } })
  broker.add({
    projectId,
    name: 'only',
    type: 'bearer_token',
    secret: { token },
    limits_hosts: ['api.example.com'],
  })
  broker.add({
    projectId,
    name: 'here',
    type: 'bearer_token',
    secret: { token },
    limits_hosts: ['127.0.0.1'],
  })
  addDsn('db', () => {})
  addDsn('db-wrong', (url) => {
    url.password = wrongPassword
  })
  addDsn('db-missing', (url) => {
    url.pathname = '/nowhere'
  })
  addDsn('db-tls', (url) => url.searchParams.set('sslmode', 'require'))
  addDsn('db-elsewhere', () => {}, ['db.example.com'])
  addDsn('db-closed', (url) => {
    url.port = '1'
  })
}, 60_000)
afterAll(async () => {
  await executor?.stop()
  await target?.close()
  silent?.close()
})

async function check(credential: string, what: object, more: object = {}) {
  const answer = await request(`${executor.internalUrl}/internal/checks`, {
    method: 'POST',
    headers: { 'x-internal-key': testInternalKey, 'content-type': 'application/json' },
    body: JSON.stringify({
      check_id: randomUUID(),
      project_id: executor.projectId,
      credential,
      check: what,
      ...more,
    }),
  })
  const text = await answer.body.text()
  return { status: answer.statusCode, text, body: JSON.parse(text) }
}
const http = (path: string, more: object = {}) => ({ kind: 'http', url: target.url + path, ...more })

test('001.23 a check sends the credential to the target and answers that it works, with the time it took', async () => {
  for (const method of ['GET', 'HEAD']) {
    const before = target.received.length
    const { status, body } = await check('token', http('/', { method }))
    expect([status, body]).toEqual([200, { ok: true, latency_ms: expect.any(Number) }])
    expect(target.received.slice(before)).toMatchObject([
      { method, headers: { authorization: `Bearer ${token}` } },
    ])
  }
  expect((await check('here', http('/'))).body.ok).toBe(true)
  expect((await check('token', http('/stream'))).body.ok).toBe(true)
})

test('a check borrows from the broker for its own id, not for a run', async () => {
  const checkId = randomUUID()
  await check('token', http('/'), { check_id: checkId })
  expect(executor.broker.lent.at(-1)).toMatchObject({
    reference: 'token',
    project_id: executor.projectId,
    check_id: checkId,
  })
  expect(executor.broker.lent.at(-1)).not.toHaveProperty('run_id')
})

test.each<[string, () => [string, object], string, string | RegExp]>([
  ['the target answers 401', () => ['token', http('/refuses')], 'credential_refused', /answered 401/],
  ['the target answers 403', () => ['token', http('/status/403')], 'credential_refused', /answered 403/],
  ['the target answers 404', () => ['token', http('/status/404')], 'target_refused', /answered 404/],
  ['the target redirects', () => ['token', http('/status/302')], 'target_refused', /answered 302/],
  ['the target answers 500', () => ['token', http('/status/500')], 'target_failed', /answered 500/],
  [
    'an expected status does not come',
    () => ['token', http('/', { expect_status: [204] })],
    'target_refused',
    /answered 200/,
  ],
  [
    'nobody listens',
    () => ['token', { kind: 'http', url: 'http://127.0.0.1:1/' }],
    'target_unreachable',
    /refused/,
  ],
  [
    'the target speaks no TLS',
    () => ['token', http('/', { url: target.url.replace('http:', 'https:') })],
    'tls_failed',
    /TLS/,
  ],
  [
    'the policy does not open the target',
    () => ['token', { kind: 'http', url: 'http://127.0.0.1:9/' }],
    'outbound_denied',
    /policy/,
  ],
  [
    'the target is the metadata address of a cloud',
    () => ['token', { kind: 'http', url: 'http://169.254.169.254/' }],
    'outbound_denied',
    /policy/,
  ],
  [
    'the credential is limited to another host',
    () => ['only', http('/')],
    'outbound_denied',
    /limits name others/,
  ],
  ['there is no such credential', () => ['nothing', http('/')], 'credential_unusable', /does not exist/],
  [
    'the credential is none for HTTP',
    () => ['db', http('/')],
    'credential_unusable',
    /takes no credential of type db_dsn/,
  ],
  ['the credential is none for SQL', () => ['token', { kind: 'sql' }], 'credential_unusable', /bearer_token/],
  [
    'the password is wrong',
    () => ['db-wrong', { kind: 'sql' }],
    'credential_refused',
    /refused the credential/,
  ],
  ['there is no such database', () => ['db-missing', { kind: 'sql' }], 'target_refused', /does not exist/],
  ['the database speaks no TLS', () => ['db-tls', { kind: 'sql' }], 'tls_failed', /TLS/],
  ['no database listens', () => ['db-closed', { kind: 'sql' }], 'target_unreachable', /could not be reached/],
  [
    'the DSN names a host outside of the limits',
    () => ['db-elsewhere', { kind: 'sql' }],
    'outbound_denied',
    /limits/,
  ],
])('where %s the check says so', async (_, given, code, message) => {
  const { status, body, text } = await check(...given())
  expect([status, body]).toEqual([
    200,
    { ok: false, latency_ms: expect.any(Number), code, message: expect.stringMatching(message) },
  ])
  for (const secret of [token, wrongPassword, encodeURIComponent(wrongPassword)])
    expect(text + executor.lines.join('')).not.toContain(secret)
})

test('a limit of hosts holds before anything is sent', async () => {
  const before = target.received.length
  await check('only', http('/'))
  expect(target.received.length).toBe(before)
})

test('a step is held to the limit of hosts too', async () => {
  const fetch = (credential: string) => ({
    id: 'fetch',
    type: 'http.get',
    credential,
    input: { url: target.url },
  })
  const refused = await runToEnd(executor, (await createJob(executor, { steps: [fetch('only')] })).id)
  expect(refused.error).toMatchObject({ code: 'outbound_denied', step_id: 'fetch' })
  const allowed = await runToEnd(executor, (await createJob(executor, { steps: [fetch('here')] })).id)
  expect(allowed.status).toBe('succeeded')
})

test('001.23 a database is asked anew each time: a password that was right a moment ago is refused', async () => {
  const { broker, database, projectId } = executor
  const role = `check_${randomBytes(6).toString('hex')}`
  const owner = new pg.Client({ connectionString: database.ownerUrl })
  await owner.connect()
  try {
    await owner.query(`CREATE ROLE ${role} LOGIN PASSWORD 'first-password'`)
    const dsn = new URL(database.ownerUrl)
    dsn.username = role
    dsn.password = 'first-password'
    broker.add({ projectId, name: role, type: 'db_dsn', secret: { dsn: dsn.href } })
    expect((await check(role, { kind: 'sql' })).body).toEqual({ ok: true, latency_ms: expect.any(Number) })
    await owner.query(`ALTER ROLE ${role} PASSWORD 'second-password'`)
    expect((await check(role, { kind: 'sql' })).body).toMatchObject({ ok: false, code: 'credential_refused' })
  } finally {
    await owner.query(`DROP ROLE IF EXISTS ${role}`)
    await owner.end()
  }
})

test.each(['http', 'sql'])(
  'a %s target that says nothing ends the check when its time is up',
  async (kind) => {
    const { projectId, broker } = executor
    const name = `silent ${kind}`
    broker.add({
      projectId,
      name,
      type: 'db_dsn',
      secret: { dsn: `postgres://u:secretpw@127.0.0.1:${silentPort}/d` },
    })
    const what = kind === 'sql' ? { kind } : { kind, url: `http://127.0.0.1:${silentPort}/`, method: 'GET' }
    const result = await runCheck(
      executor.deps.checks,
      {
        check_id: randomUUID(),
        project_id: projectId,
        credential: kind === 'sql' ? name : 'token',
        check: what as { kind: 'sql' },
      },
      1_000,
    )
    expect(result).toMatchObject({ ok: false, code: 'target_timeout' })
  },
)

test.each([
  [{ kind: 'ldap' }, 'body.check.kind'],
  [{ kind: 'http', url: 'ftp://x/' }, 'body.check.url'],
  [{ kind: 'http', url: 'http://a:b@x/' }, 'body.check.url'],
  [{ kind: 'http', url: 'http://x/', method: 'DELETE' }, 'body.check.method'],
  [{ kind: 'http', url: 'http://x/', expect_status: [42] }, 'body.check.expect_status[0]'],
])('the check %j is refused naming the field', async (what, path) => {
  const { status, body } = await check('token', what)
  expect([status, body.errors[0].path]).toEqual([422, path])
})

test('without the broker a check is 503, not a verdict on the credential', async () => {
  const result = runCheck(
    {
      ...executor.deps.checks,
      lendCredential: (_reference, _use, signal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    },
    { check_id: randomUUID(), project_id: executor.projectId, credential: 'token', check: { kind: 'sql' } },
    50,
  )
  await expect(result).rejects.toMatchObject({ code: 'service_unavailable' })
})
