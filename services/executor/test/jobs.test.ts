import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { testInternalKey } from '@opsconductor/test-peers'
import { request } from 'undici'
import { stepTypes } from '../src/step-types/index.ts'
import { createJob, type ExecutorUnderTest, startExecutor } from './support/executor.ts'

let executor: ExecutorUnderTest

beforeAll(async () => {
  executor = await startExecutor()
  const { projectId } = executor
  executor.broker.add({ projectId, name: 'db', type: 'db_dsn', secret: { dsn: 'postgres://u:p@db/x' } })
  executor.broker.add({ projectId, name: 'token', type: 'bearer_token', secret: { token: 'abcdefgh' } })
}, 60_000)
afterAll(() => executor?.stop())

const get = { id: 'fetch', type: 'http.get', input: { url: 'https://example.com/' } }
const withUrl = (url: string, id = 'fetch') => ({ ...get, id, input: { url } })
const save = (body: Record<string, unknown>) =>
  executor.call('POST', '/api/jobs', { name: randomUUID(), steps: [get], ...body })
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

test('a job is created, read, listed and given versions; older versions stay', async () => {
  const created = await save({ name: 'Restart', description: 'restarts it' })
  expect(created.status).toBe(201)
  expect(created.headers.location).toBe(`/api/jobs/${created.body.id}`)
  expect(created.body).toMatchObject({ name: 'Restart', version: 1, project_id: executor.projectId })
  const path = `/api/jobs/${created.body.id}`
  const changed = await executor.call('PUT', path, {
    name: 'Restart',
    steps: [withUrl('https://example.com/2')],
  })
  expect(changed.body).toMatchObject({ version: 2, description: null })
  expect((await executor.call('GET', path)).body).toEqual(changed.body)
  expect((await executor.deps.jobs.find(executor.projectId, created.body.id, 1))?.definition).toMatchObject({
    steps: [get],
  })
  const listed = (await executor.call('GET', '/api/jobs?limit=1')).body
  expect(listed.items).toHaveLength(1)
  expect(listed.items[0]).toEqual(changed.body)
})

test('a credential that refers to a vault is taken by what it is lent as', async () => {
  const { projectId } = executor
  const extra = { vault: 'v', path: 'p', mode: 'read_through', as_type: 'db_dsn' }
  executor.broker.add({ projectId, name: 'in the vault', type: 'vault_ref', secret: {}, extra })
  const query = { id: 'q', type: 'sql.query', credential: 'in the vault', input: { sql: 'SELECT 1' } }
  expect((await save({ steps: [query] })).status).toBe(201)
  const refused = await save({ steps: [{ ...get, credential: 'in the vault' }] })
  expect([refused.status, refused.body.errors[0].message]).toEqual([
    422,
    expect.stringMatching(/of type db_dsn/),
  ])
})

test('two writers at once give a job two versions', async () => {
  const { id } = await createJob(executor, { steps: [get] })
  const put = (url: string) =>
    executor.call('PUT', `/api/jobs/${id}`, { name: `two ${id}`, steps: [withUrl(url)] })
  const saved = await Promise.all([put('https://a.example/'), put('https://b.example/')])
  expect(saved.map((s) => s.body.version).sort()).toEqual([2, 3])
})

test('a name is taken once per project', async () => {
  const name = randomUUID()
  await save({ name })
  const again = await save({ name })
  expect([again.status, again.body.code, again.body.errors[0].path]).toEqual([409, 'conflict', 'body.name'])
})

test("another project's job is not found, in every route", async () => {
  const { id } = await createJob(executor, { steps: [get] })
  const { token } = await executor.apiKey.createUser({ role: 'owner', projectId: randomUUID() })
  for (const [method, path, body] of [
    ['GET', `/api/jobs/${id}`, undefined],
    ['PUT', `/api/jobs/${id}`, { name: 'x', steps: [get] }],
    ['POST', `/api/jobs/${id}/runs`, {}],
  ] as const)
    expect((await executor.call(method, path, body, bearer(token))).status).toBe(404)
  expect((await executor.call('GET', '/api/jobs', undefined, bearer(token))).body.items).toEqual([])
})

test.each<[string, Record<string, unknown>, string, string]>([
  ['an unknown step type', { steps: [{ ...get, type: 'http.teapot' }] }, 'body.steps[0].type', 'http.get'],
  ['the same id twice', { steps: [get, get] }, 'body.steps[1].id', 'earlier step'],
  ['a URL that is none', { steps: [withUrl('nothing')] }, 'body.steps[0].input.url', 'http or https'],
  [
    'credentials in the URL',
    { steps: [withUrl('http://u:p@h/')] },
    'body.steps[0].input.url',
    'without credentials',
  ],
  [
    'an unknown field of the input',
    { steps: [{ ...get, input: { ...get.input, verify_tls: false } }] },
    'body.steps[0].input',
    'verify_tls',
  ],
  [
    'a header that the connection owns',
    { steps: [{ ...get, input: { ...get.input, headers: { Host: 'x' } } }] },
    'body.steps[0].input.headers.Host',
    'Invalid key',
  ],
  [
    'a later step named in a template',
    { steps: [withUrl('https://x/{{ steps.later.body }}'), withUrl('https://x/', 'later')] },
    'body.steps[0].input.url',
    'the step later comes later',
  ],
  [
    'a step named in a template that does not exist',
    { steps: [get, withUrl('https://x/{{ steps.nobody.body }}', 'second')] },
    'body.steps[1].input.url',
    'there is no step nobody',
  ],
  [
    'a result that the step type does not give',
    { steps: [get, withUrl('https://x/{{ steps.fetch.rows }}', 'second')] },
    'body.steps[1].input.url',
    'answers status, headers, body',
  ],
  [
    'an unknown root',
    { steps: [withUrl('https://x/{{ env.HOME }}')] },
    'body.steps[0].input.url',
    'begin with',
  ],
  ['an unknown run variable', { output: '{{ run.secret }}' }, 'body.output', 'run.id'],
  [
    'an input that the schema does not allow',
    {
      input_schema: { type: 'object', properties: { a: {} }, additionalProperties: false },
      steps: [withUrl('https://x/{{ input.b }}')],
    },
    'body.steps[0].input.url',
    'does not allow it',
  ],
  ['constructor in a template', { output: '{{ input.constructor }}' }, 'body.output', 'Unknown variable'],
  ['__proto__ in a template', { output: ['{{ input.__proto__.x }}'] }, 'body.output[0]', 'Unknown variable'],
  ['a section in a template', { output: '{{# input.a }}x{{/ input.a }}' }, 'body.output', 'only variables'],
  ['an unclosed template', { output: { a: '{{ input.a' } }, 'body.output.a', 'not well formed'],
  [
    'a URL that begins with an encoded variable',
    { steps: [withUrl('{{ input.base }}/x')] },
    'body.steps[0].input.url',
    '{{{ input.base }}}',
  ],
  [
    'a template in SQL',
    { steps: [{ id: 'q', type: 'sql.query', credential: 'db', input: { sql: 'SELECT {{ input.a }}' } }] },
    'body.steps[0].input.sql',
    'parameters',
  ],
  [
    'two bodies',
    { steps: [{ id: 'p', type: 'http.post', input: { url: 'https://x/', json: 1, text: 'a' } }] },
    'body.steps[0].input',
    'only one of',
  ],
  [
    'no credential where one is needed',
    { steps: [{ id: 'q', type: 'sql.query', input: { sql: 'SELECT 1' } }] },
    'body.steps[0].credential',
    'is needed',
  ],
  [
    'an unknown credential',
    { steps: [{ ...get, credential: 'nobody' }] },
    'body.steps[0].credential',
    'not a credential',
  ],
  [
    'a path as a credential',
    { steps: [{ ...get, credential: '..' }] },
    'body.steps[0].credential',
    'not a credential',
  ],
  [
    'a credential of another type',
    { steps: [{ ...get, credential: 'db' }] },
    'body.steps[0].credential',
    'db_dsn',
  ],
  ['a schema that is none', { input_schema: { type: 'nonsense' } }, 'body.input_schema', 'not a usable'],
  [
    'a remote reference',
    { input_schema: { $ref: 'https://x/schema' } },
    'body.input_schema',
    'resolve reference',
  ],
  ['a dangling reference', { input_schema: { $ref: '#/$defs/none' } }, 'body.input_schema', 'not a usable'],
  ['an asynchronous schema', { input_schema: { $async: true } }, 'body.input_schema', '$async'],
  ['an invalid pattern', { input_schema: { pattern: '(' } }, 'body.input_schema', 'not a usable'],
  ['a NUL', { description: 'a\0b' }, 'body.description', 'NUL'],
  ['half a surrogate pair', { steps: [withUrl('https://x/\ud800')] }, 'body.steps[0].input.url', 'surrogate'],
  ['a step id that is __proto__', { steps: [{ ...get, id: '__proto__' }] }, 'body.steps[0].id', 'must start'],
  ['no steps', { steps: [] }, 'body.steps', ''],
  ['a field that jobs do not have', { owner: 'me' }, 'body', 'owner'],
])('a job with %s is refused, naming the field', async (_, body, path, message) => {
  const answer = await save(body)
  expect([answer.status, answer.body.code]).toEqual([422, 'validation_failed'])
  const error = answer.body.errors.find((e: { path: string }) => e.path === path)
  expect(error?.message ?? JSON.stringify(answer.body.errors)).toContain(message)
  expect(error).toBeDefined()
})

test('templates stand where the schema wants other things than text', async () => {
  const step = { ...get, input: { url: 'https://x/', expect_status: '{{ input.statuses }}' } }
  expect((await save({ steps: [step] })).status).toBe(201)
})

test('a body that is not JSON, too large or nested too deeply is refused', async () => {
  const post = (body: string) => executor.call('POST', '/api/jobs', body)
  expect((await post('{')).status).toBe(400)
  expect((await post(JSON.stringify({ name: 'x'.repeat(2 * 1024 * 1024) }))).status).toBe(413)
  expect((await post(`{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)).status).toBe(422)
})

test('an input that does not fit the schema is refused with its path, and no run is made', async () => {
  const job = await createJob(executor, {
    input_schema: {
      type: 'object',
      properties: {
        id: { type: 'integer' },
        list: { type: 'array', items: { type: 'string', format: 'ipv4' } },
      },
      required: ['id'],
      additionalProperties: false,
    },
    steps: [get],
  })
  const start = (input: unknown) => executor.call('POST', `/api/jobs/${job.id}/runs`, { input })
  for (const [input, path, message] of [
    [{}, 'body.input.id', "must have required property 'id'"],
    [{ id: 'x' }, 'body.input.id', 'must be integer'],
    [{ id: 1, list: ['1.2.3.4', 'x'] }, 'body.input.list[1]', 'must match format "ipv4"'],
    [{ id: 1, more: 1 }, 'body.input.more', 'must NOT have additional properties'],
  ] as const) {
    const answer = await start(input)
    expect([answer.status, answer.body.errors]).toEqual([422, [{ path, message }]])
  }
  expect((await executor.call('GET', `/api/runs?job_id=${job.id}`)).body.items).toEqual([])
})

test.each<[string, Record<string, unknown>, unknown]>([
  ['a pattern that backtracks for ever', { type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(40)}!`],
  [
    'branching references',
    {
      anyOf: [
        { type: 'array', items: { $ref: '#' } },
        { type: 'array', items: { $ref: '#' } },
      ],
    },
    Array.from({ length: 40 }).reduce<unknown>((inner) => [inner], 'x'),
  ],
])('%s holds nobody up: the input is refused', async (_, input_schema, input) => {
  const job = await createJob(executor, { input_schema, steps: [get] })
  const answer = await executor.call('POST', `/api/jobs/${job.id}/runs`, { input })
  expect([answer.status, answer.body.errors]).toEqual([
    422,
    [{ path: 'body.input', message: 'takes too long to check against the schema' }],
  ])
})

test('000.48 the outbound policy is kept as it was set, and what is no address is refused', async () => {
  expect((await executor.call('GET', '/api/outbound-policy')).body).toEqual({ allow: [] })
  const policy = { allow: [{ cidr: '127.0.0.0/8', ports: [80, 443] }] }
  expect((await executor.call('PUT', '/api/outbound-policy', policy)).body).toEqual(policy)
  expect((await executor.call('GET', '/api/outbound-policy')).body).toEqual(policy)
  for (const cidr of ['localhost', '127.1', '10.0.0.0/33', '']) {
    const answer = await executor.call('PUT', '/api/outbound-policy', { allow: [{ cidr, ports: [80] }] })
    expect([cidr, answer.status, answer.body.errors[0].path]).toEqual([cidr, 422, 'body.allow[0].cidr'])
  }
  expect((await executor.call('GET', '/api/outbound-policy')).body).toEqual(policy)
})

test('step types are described with the schemas of their inputs and results, and with examples', async () => {
  const { items } = (await executor.call('GET', '/api/step-types')).body
  expect(items.map((i: { type: string }) => i.type)).toEqual([...stepTypes.keys()])
  const described = Object.fromEntries(items.map((item: { type: string }) => [item.type, item]))
  expect(described['http.get']).toMatchObject({
    ...{
      title: 'HTTP GET',
      risk: 'low',
      credential_required: false,
      client_certificate: true,
      retryable: true,
    },
    credential_types: expect.arrayContaining(['http_basic', 'bearer_token', 'api_key', 'oauth2_client']),
    input_schema: {
      type: 'object',
      required: ['url'],
      properties: { url: { description: expect.any(String) } },
    },
    examples: expect.arrayContaining([
      expect.objectContaining({ title: 'Read one order', credential_type: null }),
    ]),
  })
  expect(described['sql.query'].output_schema.properties).toHaveProperty('row_count')
  expect(described['ssh.exec']).toMatchObject({ via: true, credential_required: true, loops: false })
  expect(described.for_each).toMatchObject({ loops: true, credential_types: [] })
})

test('lists turn their pages, filter, and refuse a cursor that is none', async () => {
  const job = await createJob(executor, { steps: [withUrl('https://127.0.0.1/')] })
  const ids: string[] = []
  for (let i = 0; i < 3; i++) ids.push((await executor.call('POST', `/api/jobs/${job.id}/runs`, {})).body.id)
  const first = (await executor.call('GET', `/api/runs?job_id=${job.id}&limit=2`)).body
  const next = await executor.call('GET', `/api/runs?job_id=${job.id}&limit=2&cursor=${first.next_cursor}`)
  expect([...first.items, ...next.body.items].map((run: { id: string }) => run.id)).toEqual(ids.reverse())
  expect(next.body.next_cursor).toBeNull()
  for (const path of [
    '/api/runs?cursor=x',
    '/api/runs?limit=0',
    '/api/runs?status=odd',
    '/api/jobs?cursor=%00',
  ])
    expect((await executor.call('GET', path)).status).toBe(400)
  expect((await executor.call('GET', `/api/runs/${randomUUID()}`)).status).toBe(404)
  expect((await executor.call('GET', '/api/runs/not-an-id')).status).toBe(404)
})

test('the registry gets a job version with a worker that serves it, and only with the internal key', async () => {
  const job = await createJob(executor, { input_schema: { type: 'object', title: 'T' }, steps: [get] })
  const ask = async (id: string, query: string, key?: string) => {
    const answer = await request(`${executor.internalUrl}/internal/jobs/${id}?${query}`, {
      headers: key === undefined ? {} : { 'x-internal-key': key },
    })
    return { status: answer.statusCode, body: (await answer.body.json()) as Record<string, unknown> }
  }
  const mine = `project_id=${executor.projectId}`
  expect((await ask(job.id, mine)).status).toBe(403)
  const found = await ask(job.id, mine, testInternalKey)
  expect(found.body).toMatchObject({
    job_id: job.id,
    version: 1,
    input_schema: { type: 'object', title: 'T' },
  })
  expect(executor.deps.workers.serves(executor.projectId)).toBe(true)
  for (const [id, query] of [
    [job.id, `project_id=${randomUUID()}`],
    [job.id, `${mine}&version=2`],
    [randomUUID(), mine],
    ['not-an-id', mine],
  ] as const)
    expect((await ask(id, query, testInternalKey)).status).toBe(404)
})
