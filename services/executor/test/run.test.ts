import { createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import pg from 'pg'
import { createJob, type ExecutorUnderTest, runToEnd, startExecutor } from './support/executor.ts'
import { sendJson, startTarget } from './support/target-server.ts'

let executor: ExecutorUnderTest
let target: Awaited<ReturnType<typeof startTarget>>
let owner: pg.Client
let failuresLeft = 0

beforeAll(async () => {
  target = await startTarget((received, response) => {
    const { pathname } = new URL(received.url, 'http://x')
    if (pathname === '/flaky' && failuresLeft-- > 0) sendJson(response, { busy: true }, 503)
    else if (pathname === '/refuses') sendJson(response, { error: 'no' }, 409)
    else if (pathname === '/elsewhere') response.writeHead(302, { location: '/people/1' }).end()
    else if (pathname === '/slow') void response
    else if (pathname === '/slow-body') response.writeHead(200).write('begin')
    else if (pathname === '/10mb') response.writeHead(200).end(Buffer.alloc(10 * 1024 * 1024, 'x'))
    else if (pathname === '/text') response.writeHead(200, { 'content-type': 'text/plain' }).end('a\0b')
    else if (pathname === '/not-json')
      response.writeHead(200, { 'content-type': 'application/json' }).end('<html>')
    else if (pathname === '/deep')
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end('['.repeat(100_000) + ']'.repeat(100_000))
    else if (received.method === 'GET') sendJson(response, { id: 7, name: 'Ada', url: received.url })
    else sendJson(response, { stored: received.body, type: received.headers['content-type'] })
  })
  executor = await startExecutor()
  owner = new pg.Client({ connectionString: executor.database.ownerUrl })
  await owner.connect()
  await executor.open(target.port, Number(new URL(executor.database.ownerUrl).port))
  executor.broker.add({
    projectId: executor.projectId,
    name: 'db',
    type: 'db_dsn',
    secret: { dsn: executor.database.urlOf('executor') },
  })
}, 60_000)
afterAll(async () => {
  await owner?.end()
  await executor?.stop()
  await target?.close()
})

const get = (path: string, extra: Record<string, unknown> = {}) => ({
  id: 'fetch',
  type: 'http.get',
  input: { url: target.url + path, ...extra },
})
const query = (sql: string, parameters: unknown = [], extra: Record<string, unknown> = {}) => ({
  id: 'ask',
  type: 'sql.query',
  credential: 'db',
  input: { sql, parameters, ...extra },
})
async function runStep(step: Record<string, unknown>, input: unknown = {}) {
  const job = await createJob(executor, { steps: [step] })
  return await runToEnd(executor, job.id, input)
}

test('000.01 000.13 000.19 three steps run in order, each with the results before it', async () => {
  const job = await createJob(executor, {
    input_schema: { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] },
    steps: [
      get('/people/{{ input.id }}'),
      query('SELECT $1::int + 1 AS next, $2::text AS name', [
        '{{ steps.fetch.body.id }}',
        '{{ steps.fetch.body.name }}',
      ]),
      {
        id: 'store',
        type: 'http.post',
        input: { url: `${target.url}/log`, json: { row: '{{ steps.ask.rows.0 }}', of: 'run {{ run.id }}' } },
      },
    ],
    output: { next: '{{ steps.ask.rows.0.next }}', stored: '{{ steps.store.body.stored }}' },
  })
  const run = await runToEnd(executor, job.id, { id: 7 })
  expect(run).toMatchObject({ status: 'succeeded', error: null, job_id: job.id, job_version: 1 })
  expect(run.output.next).toBe(8)
  expect(JSON.parse(run.output.stored)).toEqual({ row: { next: 8, name: 'Ada' }, of: `run ${run.id}` })
  const steps = run.steps as { step_id: string; status: string; attempt: number }[]
  expect(steps.map((s) => [s.step_id, s.status, s.attempt])).toEqual([
    ['fetch', 'succeeded', 1],
    ['ask', 'succeeded', 1],
    ['store', 'succeeded', 1],
  ])
})

test('without an output template the output is the last result', async () => {
  const run = await runStep(get('/people/1', { query: { q: ['a b', 'c'], n: 1 } }))
  expect(run.output).toMatchObject({ status: 200, body: { id: 7, url: '/people/1?n=1&q=a+b&q=c' } })
})

test('a run that has ended shows all of its short steps, with their times and exchanges', async () => {
  const short = { timeout_seconds: 2 }
  const steps = Array.from({ length: 45 }, (_, i) => ({
    ...(i % 3 === 0 ? { ...get(`/short/${i}`), ...short } : { type: 'set', input: { values: { i } } }),
    id: `s${i}`,
  }))
  const job = await createJob(executor, { steps })
  const run = await runToEnd(executor, job.id)
  const shown = run.steps as { id: string; step_id: string; status: string; started_at: string }[]
  expect(shown.map((step) => `${step.step_id} ${step.status}`)).toEqual(
    steps.map(({ id }) => `${id} succeeded`),
  )
  expect(run.steps[1].output).toEqual({ i: 1 })
  const times = run.steps.flatMap((s: { started_at: string; finished_at: string }) => [
    s.started_at <= s.finished_at,
    s.finished_at <= run.finished_at,
  ])
  expect(times).not.toContain(false)
  const { rows } = await owner.query(
    'SELECT job_run_step_id AS id, url FROM executor.http_requests WHERE job_run_step_id = ANY($1)',
    [shown.map(({ id }) => id)],
  )
  const urls = new Map(rows.map((row: { id: string; url: string }) => [row.id, row.url]))
  expect(shown.map(({ id }) => urls.get(id))).toEqual(
    steps.map((_, i) => (i % 3 === 0 ? `${target.url}/short/${i}` : undefined)),
  )
})

test('000.07 every exchange has its row with every column', async () => {
  const run = await runStep({
    id: 'send',
    type: 'http.post',
    input: { url: `${target.url}/log?x=1`, headers: { 'X-Mine': 'yes', Cookie: 'a=b' }, form: { a: 'b c' } },
  })
  const { rows } = await owner.query('SELECT * FROM executor.http_requests WHERE job_run_step_id = $1', [
    run.steps[0].id,
  ])
  expect(rows).toHaveLength(1)
  expect(rows[0]).toMatchObject({
    method: 'POST',
    url: `${target.url}/log?x=1`,
    request_headers: {
      'x-mine': 'yes',
      cookie: '[redacted]',
      'idempotency-key': `${run.id}:send`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    request_body: 'a=b+c',
    response_status_code: 200,
    response_headers: { 'content-type': 'application/json' },
    response_body: JSON.stringify({ stored: 'a=b+c', type: 'application/x-www-form-urlencoded' }),
  })
  expect(rows[0].response_time_ms).toBeGreaterThanOrEqual(0)
  expect(rows[0].created_at).toBeInstanceOf(Date)
})

test('a GET that failed for now is tried again, each attempt with its row', async () => {
  failuresLeft = 1
  const run = await runStep(get('/flaky'))
  expect(run.status).toBe('succeeded')
  const steps = run.steps as { attempt: number; status: string; error: { code: string } | null }[]
  expect(steps.map((s) => [s.attempt, s.status, s.error?.code])).toEqual([
    [1, 'failed', 'target_failed'],
    [2, 'succeeded', undefined],
  ])
})

test('a POST is never repeated unless the job says so, and then with the same Idempotency-Key', async () => {
  failuresLeft = 1
  const post = { id: 'send', type: 'http.post', input: { url: `${target.url}/flaky`, json: {} } }
  const once = await runStep(post)
  expect([once.status, once.steps.length]).toEqual(['failed', 1])
  failuresLeft = 1
  const before = target.received.length
  const twice = await runStep({ ...post, max_attempts: 2 })
  expect([twice.status, twice.steps.length]).toEqual(['succeeded', 2])
  const keys = target.received.slice(before).map((r) => r.headers['idempotency-key'])
  expect(keys).toEqual([`${twice.id}:send`, `${twice.id}:send`])
})

test.each([
  ['/refuses', {}, 'target_refused', 'The target answered 409.'],
  ['/elsewhere', {}, 'target_refused', 'The target answered 302.'],
  ['/10mb', {}, 'target_answer_too_large', 'The target answered more than 1048576 bytes.'],
  ['/deep', {}, 'target_answer_too_large', 'The target answered JSON nested deeper than 100.'],
  ['/not-json', {}, 'step_failed', 'The target said that it answers JSON, but its answer is none.'],
])('a target that answers %s fails the step: %j %s', async (path, extra, code, message) => {
  const run = await runStep(get(path, extra))
  expect(run).toMatchObject({ status: 'failed', output: null, error: { code, message, step_id: 'fetch' } })
})

test('a status that the job expects is no failure', async () => {
  const run = await runStep(get('/refuses', { expect_status: [200, 409] }))
  expect(run.output).toMatchObject({ status: 409, body: { error: 'no' } })
})

test('bytes that PostgreSQL cannot store do not break a run', async () => {
  const run = await runStep(get('/text'))
  expect(run).toMatchObject({ status: 'succeeded' })
  expect(run.steps[0].output.body).toBe('a\ufffdb')
})

test.each(['/slow', '/slow-body'])(
  'a target that is slow past the timeout (%s) fails the step',
  async (path) => {
    const run = await runStep({ ...get(path), timeout_seconds: 1, max_attempts: 1 })
    expect(run.error).toMatchObject({ code: 'step_timeout', message: 'The step took longer than 1 seconds.' })
  },
)

test('a target that is down fails the step and says why', async () => {
  const closed = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => closed.once('listening', resolve))
  const { port } = closed.address() as { port: number }
  await new Promise((resolve) => closed.close(resolve))
  await executor.open(target.port, Number(new URL(executor.database.ownerUrl).port), port)
  const input = { url: `http://127.0.0.1:${port}/` }
  const run = await runStep({ id: 'fetch', type: 'http.get', input, max_attempts: 1 })
  expect(run.error).toMatchObject({
    code: 'target_unreachable',
    message: 'The target could not be reached: the connection was refused.',
  })
  const missing = { url: 'http://no-such-host.invalid/' }
  const other = await runStep({ id: 'fetch', type: 'http.get', input: missing, max_attempts: 1 })
  expect(other.error.code).toBe('target_unreachable')
})

test('000.48 a target that the policy does not allow is refused, and nothing is sent', async () => {
  const hidden = await startTarget((_, response) => sendJson(response, {}))
  for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '0.0.0.0']) {
    const input = { url: `http://${host}:${hidden.port}/` }
    const run = await runStep({ id: 'fetch', type: 'http.get', input })
    expect([host, run.error.code, run.steps.length]).toEqual([host, 'outbound_denied', 1])
  }
  expect(hidden.received).toEqual([])
  await hidden.close()
})

test('an unknown variable fails the run and is named', async () => {
  const run = await runStep(get('/people/{{ input.nobody }}'))
  expect(run.error).toEqual({
    code: 'template_error',
    message: 'Unknown variable {{ input.nobody }}.',
    step_id: 'fetch',
  })
  expect(run.steps).toEqual([])
})

test('an input that renders to something the step type refuses names the field', async () => {
  for (const url of ['ftp://x/', 'file:///etc/passwd', 'http://u:p@127.0.0.1/', 'nothing']) {
    const step = { id: 'fetch', type: 'http.get', input: { url: '{{ input.url }}' } }
    expect((await runStep(step, { url })).error).toMatchObject({ code: 'validation_failed' })
  }
  const crlf = await runStep(get('/', { headers: { 'x-a': '{{ input.h }}' } }), { h: 'a\r\nx-b: c' })
  expect(crlf.error).toMatchObject({ code: 'validation_failed' })
  expect(crlf.error.message).toContain('input.headers.x-a')
})

test('000.20 values reach SQL as parameters only: an injection is just a text', async () => {
  const evil = "x'; DROP TABLE executor.jobs; --"
  const run = await runStep(
    query('SELECT :name::text AS name, $$:name$$ AS text', { name: '{{ input.name }}' }),
    {
      name: evil,
    },
  )
  expect(run.output.rows).toEqual([{ name: evil, text: ':name' }])
})

test('000.13 numbers beyond JavaScript, dates and JSON come back exactly', async () => {
  const run = await runStep(
    query(
      `SELECT 9007199254740993::bigint AS big, 0.1::numeric AS exact, 3 AS small, date '2026-01-02' AS day,
              timestamp '2026-01-02 03:04:05' AS local, '{"a":[1]}'::jsonb AS json, NULL AS none, true AS yes,
              $1::int[] AS list, $2::jsonb AS object`,
      [[1, 2], { a: 'b' }],
    ),
  )
  expect(run.output.rows).toEqual([
    {
      big: '9007199254740993',
      exact: '0.1',
      small: 3,
      day: '2026-01-02',
      local: '2026-01-02 03:04:05',
      json: { a: [1] },
      none: null,
      yes: true,
      list: [1, 2],
      object: { a: 'b' },
    },
  ])
})

test('000.13 more rows than the limit are cut and said to be', async () => {
  const cut = await runStep(query('SELECT generate_series(1, 100000000) AS n', [], { rows_max: 3 }))
  expect(cut.output).toEqual({
    rows: [{ n: 1 }, { n: 2 }, { n: 3 }],
    row_count: 3,
    truncated: true,
    truncated_by: 'rows',
  })
  const whole = await runStep(query('SELECT generate_series(1, 3) AS n', [], { rows_max: 3 }))
  expect(whole.output).toMatchObject({ row_count: 3, truncated: false })
  const huge = await runStep(query(`SELECT repeat('x', 20000000) AS x`))
  expect(huge.error.code).toBe('target_answer_too_large')
})

test.each([
  ["INSERT INTO executor.outbound_policies VALUES (gen_random_uuid(), '{}', 'x')", 'only reads'],
  ['COMMIT; DROP TABLE executor.jobs', 'only reads'],
  ['SELECT 1; SELECT 2', 'multiple commands'],
  ["SELECT set_config('transaction_read_only', 'off', true)", 'read-write'],
  ['SELEC 1', 'begins with SELECT'],
  ['SELECT FROM WHERE', 'syntax error'],
  ['SELECT * FROM no_such_table', 'does not exist'],
])('000.20 a statement that may not run fails the step: %s', async (sql, text) => {
  const run = await runStep(query(sql))
  expect(run.error.code).toBe('step_failed')
  expect(run.error.message).toContain(text)
})

test('a statement that takes too long is stopped on the server', async () => {
  const run = await runStep({
    ...query('SELECT pg_sleep(60) AS stopped_one'),
    timeout_seconds: 1,
    max_attempts: 1,
  })
  expect(run.error.code).toBe('step_timeout')
  const { rows } = await owner.query(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%stopped_one%'
       AND pid <> pg_backend_pid()`,
  )
  expect(rows[0].n).toBe(0)
})

test.each([
  [
    'a wrong password',
    (url: URL) => {
      url.password = 'wrong-password'
    },
    'step_failed',
    'refused the credential',
  ],
  [
    'an unknown database',
    (url: URL) => {
      url.pathname = '/nowhere'
    },
    'step_failed',
    'does not exist',
  ],
  [
    'a closed port',
    (url: URL) => {
      url.port = '1'
    },
    'outbound_denied',
    'outbound policy',
  ],
])('SQL with %s says so and never shows the DSN', async (name, change, code, text) => {
  const url = new URL(executor.database.urlOf('executor'))
  change(url)
  executor.broker.add({ projectId: executor.projectId, name, type: 'db_dsn', secret: { dsn: url.href } })
  const run = await runStep({ ...query('SELECT 1'), credential: name, max_attempts: 1 })
  expect(run.error.code).toBe(code)
  expect(run.error.message).toContain(text)
  expect(JSON.stringify(run)).not.toContain('postgres')
})

test('a credential that was deleted since fails the step', async () => {
  const gone = executor.broker.add({
    projectId: executor.projectId,
    name: 'gone',
    type: 'bearer_token',
    secret: { token: 'abcdefgh' },
  })
  const job = await createJob(executor, { steps: [{ ...get('/people/1'), credential: 'gone' }] })
  executor.broker.remove(gone.id)
  const run = await runToEnd(executor, job.id)
  expect(run.error).toMatchObject({ code: 'step_failed', step_id: 'fetch' })
  expect(run.error.message).toContain('credential does not exist')
})

test.each([
  [
    'http_basic',
    { password: 'open sesame' },
    { username: 'ada' },
    'authorization',
    `Basic ${btoa('ada:open sesame')}`,
  ],
  ['bearer_token', { token: 'tok-12345678' }, {}, 'authorization', 'Bearer tok-12345678'],
  ['api_key', { key: 'key-12345678' }, {}, 'x-api-key', 'key-12345678'],
  ['api_key', { key: 'key-12345678' }, { header_name: 'X-Secret' }, 'x-secret', 'key-12345678'],
])('000.01 a credential of type %s authenticates the request', async (type, secret, extra, header, value) => {
  const name = `${type} ${header}`
  executor.broker.add({ projectId: executor.projectId, name, type, secret, extra })
  const run = await runStep({ ...get('/people/1'), credential: name })
  expect(run.status).toBe('succeeded')
  expect(target.received.at(-1)?.headers[header]).toBe(value)
})
