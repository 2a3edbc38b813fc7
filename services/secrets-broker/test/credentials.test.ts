import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { credentialTypeNames } from '../src/credential-types/index.ts'
import { type RunningBroker, startBroker } from './running-broker.ts'

let broker: RunningBroker
let project: Awaited<ReturnType<RunningBroker['createProject']>>
beforeAll(async () => {
  broker = await startBroker()
  project = await broker.createProject()
})
afterAll(() => broker.stop())

const secret = 'tr0ub4dor&3'
const basic = (more: object = {}) => ({
  name: `basic ${randomUUID().slice(0, 8)}`,
  type: 'http_basic',
  secret: { password: secret },
  extra: { username: 'reader' },
  ...more,
})
const create = (body: unknown, as = project.asOwner) => broker.api('POST', '/api/credentials', as, body)
const get = (path: string, as = project.asOwner) => broker.api('GET', `/api/credentials${path}`, as)

test('001.01 001.08 a credential is created with a UUID and its time stamps, and Location names it', async () => {
  const body = basic({ description: 'for the demo' })
  const answer = await create(body)
  expect([answer.status, answer.headers.location]).toEqual([201, `/api/credentials/${answer.body.id}`])
  expect(answer.body).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4/),
    project_id: project.projectId,
    name: body.name,
    type: 'http_basic',
    description: 'for the demo',
    extra: { username: 'reader' },
    is_active: true,
    version: 1,
    limits: {},
    expires_at: null,
    rotate_every_days: null,
    rotated_at: expect.stringMatching(/Z$/),
    rotation_due_at: null,
    certificate: null,
    deleted_at: null,
    created_at: expect.stringMatching(/Z$/),
    updated_at: expect.stringMatching(/Z$/),
  })
})

test.each([
  ['http_basic', { secret: { password: secret }, extra: { username: 'reader' } }, { username: 'reader' }],
  ['http_basic', { secret, extra: { username: 'reader' } }, { username: 'reader' }],
  ['bearer_token', { secret: { token: 'tok-0123456789' } }, {}],
  ['bearer_token', { secret: 'tok-0123456789' }, {}],
  ['api_key', { secret: 'key-0123456789' }, { header_name: 'X-API-Key' }],
  ['api_key', { secret: 'key-0123456789', extra: { query_name: 'key' } }, { query_name: 'key' }],
  ['db_dsn', { secret: 'postgres://reader:p%40ssw0rd@db.example:5432/app?sslmode=require' }, {}],
])('001.01 a credential of type %s is created from %j', async (type, given, extra) => {
  const { status, body } = await create({ name: randomUUID().slice(1), type, ...given })
  expect([status, body.extra]).toEqual([201, extra])
})

test('001.03 001.09 get shows the metadata that create answered, and no secret', async () => {
  const created = await create(basic())
  const { status, body, text } = await get(`/${created.body.id}`)
  expect([status, body]).toEqual([200, created.body])
  for (const answer of [created.text, text]) {
    expect(answer).not.toContain(secret)
    expect(answer).not.toContain('encrypted')
  }
})

test('001.02 the list is newest first, in pages, and filtered by type and by exact name', async () => {
  const { asOwner } = await broker.createProject()
  const names: string[] = []
  for (let i = 0; i < 5; i++) {
    const type = i % 2 === 0 ? { type: 'bearer_token', extra: {}, secret: 'tok-0123456789' } : {}
    const body = basic({ name: `item ${i}`, ...type })
    expect((await create(body, asOwner)).status).toBe(201)
    names.unshift(body.name)
  }
  const namesOf = async (query: string) => {
    const { body } = await get(query, asOwner)
    return { names: body.items.map(({ name }) => name), next: body.next_cursor }
  }
  expect((await namesOf('')).names).toEqual(names)
  const first = await namesOf('?limit=2')
  const second = await namesOf(`?limit=2&cursor=${first.next}`)
  const third = await namesOf(`?limit=2&cursor=${second.next}`)
  expect([...first.names, ...second.names, ...third.names]).toEqual(names)
  expect(third.next).toBeNull()
  expect((await namesOf('?type=bearer_token')).names).toEqual(['item 4', 'item 2', 'item 0'])
  expect((await namesOf('?name=item%203')).names).toEqual(['item 3'])
  for (const query of ['?name=ITEM%203', '?name=item%25', '?name=item_3', '?type=nothing'])
    expect((await namesOf(query)).names).toEqual([])
})

test('001.05 delete takes a credential out of use: it is not shown, not lent, and its name is free again', async () => {
  const body = basic()
  const { body: created } = await create(body)
  const answer = await broker.api('DELETE', `/api/credentials/${created.id}`, project.asOwner)
  expect([answer.status, answer.text]).toEqual([204, ''])
  expect((await get(`/${created.id}`)).status).toBe(404)
  expect((await get('')).body.items.map(({ id }) => id)).not.toContain(created.id)
  const use = await broker.internal(
    'POST',
    `/internal/secrets/credentials/${created.id}/use`,
    broker.executor.useOf(project.projectId, created.id),
  )
  expect(use.status).toBe(404)
  expect((await broker.api('DELETE', `/api/credentials/${created.id}`, project.asOwner)).status).toBe(404)
  expect((await create(body)).status).toBe(201)
})

test('001.05 a deleted credential’s row stays, marked, with who did it', async () => {
  const { body } = await create(basic())
  await broker.api('DELETE', `/api/credentials/${body.id}`, project.asOwner)
  const { rows } = await broker.owner.query(
    'SELECT is_active, deleted_at, updated_by FROM secrets.credentials WHERE id = $1',
    [body.id],
  )
  expect(rows).toEqual([
    { is_active: false, deleted_at: expect.any(Date), updated_by: `user:${project.userId}` },
  ])
})

test.each([
  ['', 'must not be empty'],
  ['abc', 'must have at least 4 characters'],
  ['     ', 'must not be blank'],
])('001.14 the secret %j is refused, named by its field, in both ways to give it', async (text, words) => {
  const whole = await create(basic({ secret: text }))
  expect([whole.status, whole.body.errors[0]?.path]).toEqual([422, 'body.secret'])
  expect(whole.body.errors[0]?.message).toContain(words)
  const field = await create(basic({ secret: { password: text } }))
  expect([field.status, field.body.errors[0]?.path]).toEqual([422, 'body.secret.password'])
})

test('001.15 a name taken in the project is refused with 409; another project may have it', async () => {
  const body = basic()
  expect((await create(body)).status).toBe(201)
  const again = await create({ ...body, secret: { password: 'another-secret' } })
  expect([again.status, again.body.code, again.body.errors[0]?.path]).toEqual([409, 'conflict', 'body.name'])
  expect((await create(body, (await broker.createProject()).asOwner)).status).toBe(201)
})

test('001.15 of 10 creations of one name at once exactly one succeeds', async () => {
  const body = basic()
  const statuses = (await Promise.all(Array.from({ length: 10 }, () => create(body)))).map((a) => a.status)
  expect(statuses.sort()).toEqual([201, ...Array(9).fill(409)])
})

test('001.16 an unknown type is refused, naming the known ones', async () => {
  for (const type of ['fernet', '', '__proto__', 'constructor', 'HTTP_BASIC']) {
    const { status, body } = await create(basic({ type }))
    expect([status, body.errors]).toEqual([
      422,
      [{ path: 'body.type', message: `must be one of ${credentialTypeNames.join(', ')}` }],
    ])
  }
})

test('001.18 what is not there, deleted or another project’s is 404 alike', async () => {
  const { body } = await create(basic())
  const other = (await broker.createProject()).asOwner
  const answers = [
    await get(`/${randomUUID()}`),
    await get('/not-a-uuid'),
    await get(`/${body.id}`, other),
    await broker.api('DELETE', `/api/credentials/${body.id}`, other),
  ]
  for (const { status, body } of answers) expect([status, body.code]).toEqual([404, 'not_found'])
  expect((await get(`/${body.id}`)).status).toBe(200)
})

test('001.11 000.44 the row holds the secret only encrypted, bound to its row and project', async () => {
  const first = await create(basic())
  const second = await create(basic({ secret: { password: 'another-secret' } }))
  const { rows } = await broker.owner.query('SELECT * FROM secrets.credentials')
  expect(JSON.stringify(rows)).not.toContain(secret)
  await broker.owner.query(
    `UPDATE secrets.credentials a SET secret_encrypted = b.secret_encrypted FROM secrets.credentials b
     WHERE a.id = $1 AND b.id = $2`,
    [first.body.id, second.body.id],
  )
  const use = (id: string) =>
    broker.internal(
      'POST',
      `/internal/secrets/credentials/${id}/use`,
      broker.executor.useOf(project.projectId, id),
    )
  const swapped = await use(first.body.id)
  expect([swapped.status, swapped.body.detail]).toEqual([500, 'Failed to decrypt credential'])
  expect((await use(second.body.id)).status).toBe(200)
})

test('a row moved to another project does not open there', async () => {
  const { body } = await create(basic())
  const other = await broker.createProject()
  await broker.owner.query('UPDATE secrets.credentials SET project_id = $2 WHERE id = $1', [
    body.id,
    other.projectId,
  ])
  const answer = await broker.internal(
    'POST',
    `/internal/secrets/credentials/${body.id}/use`,
    broker.executor.useOf(other.projectId, body.id),
  )
  expect(answer.body.code).toBe('decryption_failed')
  expect((await broker.accessLog()).at(-1)).toMatchObject({ success: false, credential_uuid: body.id })
})

test('000.46 creations and deletions are in the access log with who, also those that were refused', async () => {
  await broker.owner.query('TRUNCATE secrets.credential_access_log')
  const body = basic({ name: 'audited' })
  const { body: created } = await create(body)
  await create(body)
  await create({ ...body, name: 'audited too', secret: 'abc' })
  await broker.api('DELETE', `/api/credentials/${created.id}`, project.asOwner)
  await broker.api('DELETE', `/api/credentials/${created.id}`, project.asOwner)
  const rows = await broker.accessLog()
  expect(rows.map((row) => [row.access_type, row.host, row.purpose, row.success, row.error_message])).toEqual(
    [
      ['create', 'audited', 'credential', true, null],
      [
        'create',
        'audited',
        'credential',
        false,
        expect.stringMatching(/^The project has a credential of this name/),
      ],
      ['create', 'audited too', 'credential', false, 'validation_failed'],
      ['delete', 'audited', 'credential', true, null],
      ['delete', 'unknown', 'credential', false, 'There is no such credential in this project.'],
    ],
  )
  for (const row of rows)
    expect(row).toMatchObject({
      accessed_by: `user:${project.userId}`,
      project_id: project.projectId,
      ip_address: '127.0.0.1',
    })
})

test('a creation whose access cannot be logged is refused with 503 and leaves no credential', async () => {
  const body = basic()
  await broker.owner.query('REVOKE INSERT ON secrets.credential_access_log FROM svc_secrets_broker')
  try {
    expect((await create(body)).status).toBe(503)
  } finally {
    await broker.owner.query('GRANT INSERT ON secrets.credential_access_log TO svc_secrets_broker')
  }
  expect((await get(`?name=${encodeURIComponent(body.name)}`)).body.items).toEqual([])
})
