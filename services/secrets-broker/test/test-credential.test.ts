import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type { CheckResult, runCheckEndpoint } from '@opsconductor/contracts'
import type { z } from 'zod'
import { executorKey, type RunningBroker, startBroker } from './running-broker.ts'

type CheckRequest = z.infer<typeof runCheckEndpoint.request>

let broker: RunningBroker
let project: Awaited<ReturnType<RunningBroker['createProject']>>
const token = 'tok-w1nter-Is-c0ming'
const url = 'https://api.example.com/me'
const works: CheckResult = { ok: true, latency_ms: 12 }
let checks: CheckRequest[]
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker.stop())
beforeEach(async () => {
  // Limits count by project.
  project = await broker.createProject()
  checks = []
  await broker.owner.query('TRUNCATE secrets.credential_access_log')
  broker.executor.onCheck(async (request) => {
    checks.push(request)
    expect((await borrow(request)).body.secret).toBeDefined()
    return works
  })
})

/** What the executor does first with a check. */
const borrow = (request: CheckRequest, reference = request.credential, more: object = {}) =>
  broker.internal(
    'POST',
    `/internal/secrets/credentials/${reference}/use`,
    { project_id: request.project_id, check_id: request.check_id, ...more },
    executorKey,
  )
async function create(name: string, more: object = {}): Promise<string> {
  const body = { name, type: 'bearer_token', secret: token, ...more }
  return (await broker.api('POST', '/api/credentials', project.asOwner, body)).body.id
}
const tryOut = (id: string, body: object | undefined = { url }, headers = project.asOwner) =>
  broker.api('POST', `/api/credentials/${id}/test`, headers, body)

test('001.06 001.23 a test has the executor try the credential on the URL, and answers whether it works', async () => {
  const id = await create('token')
  const { status, body, text } = await tryOut(id, { url, method: 'HEAD', expect_status: [204] })
  expect([status, body]).toEqual([200, { ok: true, latency_ms: 12, checked_at: expect.any(String) }])
  expect(text).not.toContain(token)
  expect(checks).toEqual([
    {
      check_id: expect.any(String),
      project_id: project.projectId,
      credential: id,
      check: { kind: 'http', url, method: 'HEAD', expect_status: [204] },
    },
  ])
})

test('001.06 a database is tested without any word on where it is', async () => {
  const id = await create('db', { type: 'db_dsn', secret: 'postgres://u:passw0rd@db.example/app' })
  expect((await tryOut(id, {})).body.ok).toBe(true)
  const withoutBody = await broker.api('POST', `/api/credentials/${id}/test`, project.asOwner)
  expect(withoutBody.body.ok).toBe(true)
  expect(checks.map(({ check }) => check)).toEqual([{ kind: 'sql' }, { kind: 'sql' }])
})

test.each<[string, object, object, object]>([
  [
    'ssh',
    { type: 'ssh', secret: { password: 'some-password' }, extra: { username: 'root' } },
    {},
    { port: 22 },
  ],
  [
    'ssh',
    { type: 'ssh', secret: { password: 'some-password' }, extra: { username: 'root' } },
    { port: 2222 },
    { port: 2222 },
  ],
  ['snmp', { type: 'snmp_community', secret: 'some-community' }, {}, { port: 161 }],
  [
    'snmp',
    { type: 'snmp_v3', secret: {}, extra: { username: 'watcher', level: 'noAuthNoPriv' } },
    { port: 1161 },
    { port: 1161 },
  ],
])(
  '001.06 %s: a credential is tried on the host that the test names',
  async (kind, credential, more, asked) => {
    const id = await create('there', credential)
    expect((await tryOut(id, { host: 'Web-01.example.com', ...more })).body).toMatchObject({ ok: true })
    expect(checks.map(({ check }) => check)).toEqual([{ kind, host: 'web-01.example.com', ...asked }])
  },
)

test('001.06 what failed is answered with its code and in words', async () => {
  const id = await create('token')
  const failed = { ok: false, latency_ms: 3, code: 'credential_refused', message: 'The target answered 401.' }
  broker.executor.onCheck(async () => failed as CheckResult)
  const { status, body } = await tryOut(id)
  expect([status, body]).toEqual([200, { ...failed, checked_at: expect.any(String) }])
})

test('001.06 the secret that a test borrows is in the access log, with why and who asked', async () => {
  const id = await create('token')
  await tryOut(id)
  expect((await broker.accessLog()).at(-1)).toMatchObject({
    access_type: 'read',
    accessed_by: 'executor',
    success: true,
    credential_uuid: id,
    project_id: project.projectId,
    run_id: null,
    step_id: null,
    reason: `credential check asked for by user:${project.userId}`,
  })
})

test('a check borrows once, its own credential, and nothing after it has ended', async () => {
  const id = await create('token')
  const other = await create('other')
  const statuses: number[] = []
  broker.executor.onCheck(async (request) => {
    checks.push(request)
    statuses.push((await borrow(request)).status, (await borrow(request)).status)
    return works
  })
  await tryOut(id)
  broker.executor.onCheck(async (request) => {
    checks.push(request)
    statuses.push((await borrow(request, other)).status, (await borrow(request)).status)
    return works
  })
  await tryOut(id)
  broker.executor.onCheck(async (request) => {
    checks.push(request)
    return works
  })
  await tryOut(id)
  statuses.push((await borrow(checks[2] as CheckRequest)).status)
  expect(statuses).toEqual([200, 403, 403, 403, 403])
  expect((await broker.accessLog()).at(-1)).toMatchObject({
    success: false,
    error_message: 'No check of this credential was granted under this id.',
    reason: 'credential check',
  })
})

test('an id that nobody granted, or one for another project, borrows nothing', async () => {
  const id = await create('token')
  const other = await broker.createProject()
  const statuses: number[] = []
  broker.executor.onCheck(async (request) => {
    statuses.push((await borrow({ ...request, check_id: randomUUID() })).status)
    statuses.push((await borrow({ ...request, project_id: other.projectId })).status)
    return works
  })
  await tryOut(id)
  expect(statuses).toEqual([403, 404])
})

test('a use names a run and its step, or a check, and never both', async () => {
  const id = await create('token')
  const request = { project_id: project.projectId, check_id: randomUUID(), credential: id } as CheckRequest
  const both = await borrow(request, id, { run_id: randomUUID(), step_id: 's' })
  expect([both.status, both.body.errors.map(({ path }) => path)]).toEqual([
    422,
    ['body.run_id', 'body.step_id'],
  ])
})

test('001.06 a credential is tested five times a minute, then it is 429 with Retry-After and nothing is tried', async () => {
  const id = await create('token')
  for (let i = 0; i < 5; i++) expect((await tryOut(id)).status).toBe(200)
  const { status, body, headers } = await tryOut(id)
  expect([status, body.code]).toEqual([429, 'too_many_requests'])
  expect(Number(headers['retry-after'])).toBeGreaterThan(0)
  expect(checks).toHaveLength(5)
  expect((await tryOut(await create('another'))).status).toBe(200)
})

test.each<[string, object, object, string]>([
  ['no URL', {}, {}, 'body.url'],
  ['a URL with a password', {}, { url: 'https://a:b@example.com/' }, 'body.url'],
  ['another protocol', {}, { url: 'file:///etc/passwd' }, 'body.url'],
  ['a method that writes', {}, { url, method: 'POST' }, 'body.method'],
  ['a URL for a database', { type: 'db_dsn', secret: 'postgres://u:passw0rd@db/app' }, { url }, 'body.url'],
  [
    'a host for a database',
    { type: 'db_dsn', secret: 'postgres://u:passw0rd@db/app' },
    { host: 'db' },
    'body.host',
  ],
  ['a host beside a URL', {}, { url, host: 'api.example.com' }, 'body.host'],
  ['no host for an agent', { type: 'snmp_community', secret: 'some-community' }, {}, 'body.host'],
  ['a URL for an agent', { type: 'snmp_community', secret: 'some-community' }, { url }, 'body.url'],
  [
    'a host with a port in it',
    { type: 'snmp_community', secret: 'some-community' },
    { host: 'a:1' },
    'body.host',
  ],
  [
    'a port that is none',
    { type: 'snmp_community', secret: 'some-community' },
    { host: 'a', port: 0 },
    'body.port',
  ],
])('%s is refused naming the field', async (_, credential, body, path) => {
  const answer = await tryOut(await create('token', credential), body)
  expect([answer.status, answer.body.errors[0]?.path]).toEqual([422, path])
  expect(checks).toEqual([])
})

test('a type that cannot be tested yet says so: 409 check_unavailable', async () => {
  const id = await create('any', { type: 'custom', secret: { value: 'some-secret' } })
  const { status, body } = await tryOut(id, {})
  expect([status, body.code]).toEqual([409, 'check_unavailable'])
})

test('another project’s credential, a deleted and an inactive one are not tested', async () => {
  const id = await create('token')
  const stranger = await broker.createProject()
  expect((await tryOut(id, { url }, stranger.asOwner)).status).toBe(404)
  await broker.owner.query('UPDATE secrets.credentials SET is_active = false WHERE id = $1', [id])
  expect((await tryOut(id)).body.code).toBe('conflict')
  await broker.api('DELETE', `/api/credentials/${id}`, project.asOwner)
  expect((await tryOut(id)).status).toBe(404)
  expect(checks).toEqual([])
})

test('who may only read credentials may not test one: the URL given receives the secret', async () => {
  const id = await create('token')
  const { token: session } = await broker.people.createUser({
    role: 'operator',
    projectId: project.projectId,
  })
  expect((await tryOut(id, { url }, { authorization: `Bearer ${session}` })).status).toBe(403)
})
