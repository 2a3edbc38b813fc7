import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import pg from 'pg'
import { type Call, createCaller, must, signIn } from '../src/client.ts'
import { type Platform, startPlatform } from '../src/platform.ts'
import { createKey, createProject, type Published, publishJob } from '../src/publish.ts'
import { startTargetServer, type TargetServer } from '../src/target-server.ts'

jest.setTimeout(180_000)

const root = new URL('../../../', import.meta.url)

let platform: Platform
let target: TargetServer
let api: Call
let projectId: string
let published: Published
let key: string
let call: Call

const echoJob = (url: string) => ({
  name: 'echo',
  input_schema: {
    type: 'object',
    properties: { text: { type: 'string', maxLength: 20_000 }, mode: { type: 'string' } },
    required: ['text'],
    additionalProperties: false,
  },
  steps: [
    {
      id: 'send',
      type: 'http.post',
      input: { url: `${url}/{{ input.mode }}`, json: { text: '{{ input.text }}' } },
      timeout_seconds: 2,
    },
  ],
  output: { answer: '{{ steps.send.body }}' },
})

/** What the target does, by the path that the job's `mode` chooses. */
function answerFor(
  path: string,
  body: string,
  response: {
    writeHead(status: number, headers: Record<string, string>): { end(text?: string | Buffer): void }
  },
): void {
  const json = { 'content-type': 'application/json' }
  if (path === '/slow') return
  if (path === '/huge')
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(randomBytes(10_000_000))
  else if (path === '/pause') setTimeout(() => response.writeHead(200, json).end(body), 700)
  else response.writeHead(200, json).end(body)
}

beforeAll(async () => {
  platform = await startPlatform(10_000)
  target = await startTargetServer((request, response) => answerFor(request.path, request.body, response))
  const admin = await signIn(platform)
  projectId = await createProject(admin, 'e2e')
  api = await signIn(platform, projectId)
  await must(
    api('PUT', '/api/outbound-policy', { body: { allow: [{ cidr: '127.0.0.1/32', ports: [target.port] }] } }),
  )
  published = await publishJob(api, echoJob(target.url))
  key = (await createKey(api, 'client')).key
  call = createCaller(published.url, { 'x-api-key': key })
})
afterAll(async () => {
  await target?.close()
  await platform?.stop()
})

const run = (body: unknown, headers: Record<string, string> = {}) =>
  call('POST', published.url, { body, headers })
const effects = (text: string) => target.requests.filter((request) => request.body.includes(text)).length

test('002.06 000.01 the demo’s curl, as npm start prints it, answers both steps joined', () => {
  const answer = JSON.parse(execFileSync('sh', ['-c', platform.stack.demo.curl], { encoding: 'utf8' }))
  expect(answer).toMatchObject({
    status: 'succeeded',
    output: {
      service: 'executor',
      live: { service: 'executor', state: 'up' },
      owner: { owner_team: 'Automation', tier: 'tier-1' },
    },
  })
})

test('a call runs the job once and answers its output', async () => {
  const answer = await run({ text: 'hello', mode: 'ok' })
  expect([answer.status, answer.body]).toEqual([
    200,
    { run_id: expect.any(String), status: 'succeeded', output: { answer: { text: 'hello' } } },
  ])
  const record = await must(
    api<{ status: string; steps: { step_id: string; status: string }[] }>(
      'GET',
      `/api/runs/${answer.body.run_id}`,
    ),
  )
  expect([record.status, record.steps.map(({ step_id, status }) => [step_id, status])]).toEqual([
    'succeeded',
    [['send', 'succeeded']],
  ])
})

test('000.07 the exchange is kept in http_requests with every column', async () => {
  await run({ text: 'for the record', mode: 'ok' })
  const client = new pg.Client({ connectionString: platform.stack.database_url })
  await client.connect()
  const { rows } = await client.query(
    "SELECT * FROM executor.http_requests WHERE request_body LIKE '%for the record%'",
  )
  await client.end()
  expect(rows).toEqual([
    {
      id: expect.any(String),
      job_run_step_id: expect.any(String),
      method: 'POST',
      url: `${target.url}/ok`,
      request_headers: expect.any(Object),
      request_body: '{"text":"for the record"}',
      response_status_code: 200,
      response_headers: expect.objectContaining({ 'content-type': 'application/json' }),
      response_body: '{"text":"for the record"}',
      response_time_ms: expect.any(Number),
      tls_unverified: false,
      created_at: expect.any(Date),
    },
  ])
})

test('two calls at once with one Idempotency-Key both get the answer of one run; another body is refused; another client has its own', async () => {
  const headers = { 'idempotency-key': 'order-1' }
  const [first, second] = await Promise.all([
    run({ text: 'once', mode: 'pause' }, headers),
    run({ text: 'once', mode: 'pause' }, headers),
  ])
  expect([first.status, second.status, second.body]).toEqual([200, 200, first.body])
  const later = await run({ text: 'once', mode: 'pause' }, headers)
  expect([later.status, later.body, effects('once')]).toEqual([200, first.body, 1])
  const other = await run({ text: 'different', mode: 'pause' }, headers)
  expect([other.status, other.body.code]).toEqual([422, 'idempotency_mismatch'])
  const secondKey = (await createKey(api, 'client-2')).key
  const theirs = await run({ text: 'once', mode: 'pause' }, { ...headers, 'x-api-key': secondKey })
  expect([theirs.status, theirs.body.run_id === first.body.run_id, effects('once')]).toEqual([200, false, 2])
})

test('002.09 a call is refused with its own code for every kind of bad key', async () => {
  const revoked = await createKey(api, 'to-revoke')
  expect((await run({ text: 'a', mode: 'ok' }, { 'x-api-key': revoked.key })).status).toBe(200)
  await must(api('DELETE', `/api/keys/${revoked.id}`))
  const soon = new Date(Date.now() + 1_500)
  const expired = await createKey(api, 'to-expire', { expires_at: soon.toISOString() })
  expect((await run({ text: 'a', mode: 'ok' }, { 'x-api-key': expired.key })).status).toBe(200)
  await new Promise((resolve) => setTimeout(resolve, soon.getTime() - Date.now() + 50))
  const admin = await signIn(platform)
  const stranger = await createKey(
    await signIn(platform, await createProject(admin, 'strangers')),
    'stranger',
  )
  const unpaid = createCaller(published.url)
  const refusals = await Promise.all(
    [
      undefined,
      'nonsense',
      `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`,
      revoked.key,
      expired.key,
      stranger.key,
    ].map(async (k) => {
      const answer = await unpaid('POST', published.url, {
        body: { text: 'a', mode: 'ok' },
        headers: k === undefined ? {} : { 'x-api-key': k },
      })
      return [answer.status, answer.body.code]
    }),
  )
  expect(refusals).toEqual([
    [401, 'missing_api_key'],
    [401, 'malformed_api_key'],
    [401, 'malformed_api_key'],
    [401, 'revoked_api_key'],
    [401, 'expired_api_key'],
    [404, 'not_found'],
  ])
})

test.each([
  ['text that is not JSON', '{"text":', 400, 'malformed_json'],
  ['a field missing', {}, 422, 'validation_failed'],
  ['a field of the wrong type', { text: 7 }, 422, 'validation_failed'],
  ['a field too many', { text: 'a', more: 1 }, 422, 'validation_failed'],
  ['a prototype key', '{"text":"a","__proto__":{"x":1}}', 422, 'validation_failed'],
  ['a NUL character', { text: 'a\0b', mode: 'ok' }, 422, 'validation_failed'],
  ['an array', [], 422, 'validation_failed'],
  ['null', null, 422, 'validation_failed'],
])('input with %s is refused before anything runs', async (_, body, status, code) => {
  const before = target.requests.length
  const answer = await run(body)
  expect([answer.status, answer.body.code, target.requests.length]).toEqual([status, code, before])
})

test('a body over the limit is answered 413', async () => {
  expect((await run({ text: 'x'.repeat(3_000_000) })).status).toBe(413)
})

test('a body of another media type is answered 415', async () => {
  expect((await run('text=a', { 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(415)
})

test('002.25 an unknown hash, another path and another method are 404 or 405, never a run', async () => {
  const at = (url: string, method = 'POST') =>
    call(method, url, { ...(method === 'GET' ? {} : { body: { text: 'a' } }) })
  const unknown = published.url.replace(published.hash, '0'.repeat(published.hash.length))
  expect((await at(unknown)).status).toBe(404)
  expect((await at(`${published.url}/more`)).status).toBe(404)
  expect([404, 405]).toContain((await at(published.url, 'GET')).status)
  expect([404, 405]).toContain((await at(published.url, 'DELETE')).status)
})

test.each([
  ['is slow past its timeout', 'slow', 504, 'step_timeout'],
  ['answers 10 MB', 'huge', 502, 'target_answer_too_large'],
])('a target that %s gives the caller a clear error', async (_, mode, status, code) => {
  const answer = await run({ text: 'a', mode })
  expect([answer.status, answer.body.code]).toEqual([status, code])
})

test('a missing template variable fails the run with template_error', async () => {
  const answer = await run({ text: 'no mode' })
  expect([answer.status, answer.body.code]).toEqual([422, 'template_error'])
})

test('003.13 no internal endpoint is reached through the gateway, whatever the path looks like', async () => {
  const paths = [
    '/internal/secrets/credential-lookup',
    '/internal/keys/verify',
    '/api/../internal/keys/verify',
    '//internal/keys/verify',
    '/api/keys/%2e%2e/%2e%2e/internal/keys/verify',
    '/API/keys',
    '/healthz',
    '/metrics',
    '/readyz',
  ]
  const answers = await Promise.all(
    paths.map((path) =>
      createCaller(platform.stack.gateway_url)('POST', platform.stack.gateway_url + path, {
        body: {},
        headers: { 'x-internal-key': platform.stack.internal_key },
      }),
    ),
  )
  expect(answers.map(({ status }) => status).filter((status) => status !== 404 && status !== 400)).toEqual([])
})

test('003.06 an internal endpoint without the key is answered 403', async () => {
  const { internal_url } = platform.stack.services['secrets-broker'] as { internal_url: string }
  const answer = await createCaller(internal_url)('POST', '/internal/secrets/credential-lookup', {
    body: { host: 'a', purpose: 'ssh' },
  })
  expect([answer.status, answer.body.detail]).toEqual([403, 'Invalid or missing X-Internal-Key header'])
})

test('002.24 calls over the interface’s rate limit are answered 429 with Retry-After', async () => {
  const limited = await publishJob(
    api,
    { ...echoJob(target.url), name: 'limited' },
    { rate_limit_per_minute: 2 },
  )
  const limitedCall = () => call('POST', limited.url, { body: { text: 'a', mode: 'ok' } })
  // Publishing itself was proven by a call, and a minute may turn over between two calls: five within one minute must show it.
  const answers = [
    await limitedCall(),
    await limitedCall(),
    await limitedCall(),
    await limitedCall(),
    await limitedCall(),
  ]
  const refused = answers.filter(({ status }) => status === 429)
  expect(refused.length).toBeGreaterThan(0)
  expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0)
})

test('002.21 002.22 an interface that is withdrawn is gone from the gateway, and comes back when it is published again', async () => {
  const gone = await publishJob(api, { ...echoJob(target.url), name: 'gone' })
  const callIt = () => call('POST', gone.url, { body: { text: 'a', mode: 'ok' } })
  expect((await callIt()).status).toBe(200)
  await must(api('PATCH', `/api/interfaces/${gone.interfaceId}`, { body: { is_public: false } }))
  expect((await callIt()).status).toBe(404)
  await must(api('PATCH', `/api/interfaces/${gone.interfaceId}`, { body: { is_public: true } }))
  expect((await callIt()).status).toBe(200)
})

test('002.36 every endpoint that the guides name is in the merged OpenAPI document', async () => {
  const document = await must(
    createCaller(platform.stack.gateway_url)<{ openapi: string; paths: Record<string, object> }>(
      'GET',
      '/docs/openapi.json',
    ),
  )
  expect(document.openapi).toBe('3.1.0')
  const served = new Set(
    Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => namedEndpoint(method.toUpperCase(), path)),
    ),
  )
  const named = globSync(['README.md', 'services/*/*.md'], { cwd: root }).flatMap((file) =>
    endpointsIn(readFileSync(new URL(file, root), 'utf8')),
  )
  expect(named.length).toBeGreaterThan(100)
  expect(named.filter((readings) => !readings.some((endpoint) => served.has(endpoint)))).toEqual([])
})

const namedEndpoint = (method: string, path: string) => `${method} ${path.replace(/\{[^}]*\}/g, '{}')}`

/** `GET /api/runs[/{id}]` is read with and without what is in brackets. */
const endpointsIn = (guide: string): string[][] =>
  [...guide.matchAll(/\b(GET|POST|PUT|PATCH|DELETE) (\/api\/(?!v1\/)[\w/{}.[\]-]*[\w}\]])/g)].map(
    ([, method = '', path = '']) =>
      [path.replace(/\[.*?\]/, ''), path.replace(/[[\]]/g, '')].map((one) => namedEndpoint(method, one)),
  )
