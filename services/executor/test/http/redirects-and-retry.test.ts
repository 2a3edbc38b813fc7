import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { sendJson, startTarget } from '../support/target-server.ts'
import { createStepRunner, lent, opened } from './step-runner.ts'

type Target = Awaited<ReturnType<typeof startTarget>>
let target: Target
/** Another origin. */
let other: Target
let runner: ReturnType<typeof createStepRunner>
/** What the next requests to /next get. */
let answers: ((response: ServerResponse) => void)[] = []

beforeAll(async () => {
  other = await startTarget(({ method, headers, body, url }, response) => {
    if (url === '/back') response.writeHead(302, { location: `${target.url}/end` }).end()
    else sendJson(response, { method, headers, body })
  })
  target = await startTarget(({ url, method, headers, body }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://x')
    if (pathname === '/to')
      response
        .writeHead(
          Number(searchParams.get('status')),
          searchParams.has('location') ? { location: searchParams.get('location') ?? '' } : {},
        )
        .end()
    else if (pathname === '/loop') response.writeHead(302, { location: '/loop' }).end()
    else if (pathname === '/next') (answers.shift() ?? ((to) => sendJson(to, { done: true })))(response)
    else sendJson(response, { method, headers, body, url })
  })
  runner = createStepRunner({ policy: opened(target.port, other.port) })
})
afterAll(async () => {
  await runner?.close()
  await Promise.all([target?.close(), other?.close()])
})
beforeEach(() => {
  answers = []
})

const to = (location: string, status = 302, more: Record<string, unknown> = {}) => ({
  url: `${target.url}/to`,
  query: { status, location },
  redirects_max: 3,
  ...more,
})

test('a redirect is not followed unless the step says so', async () => {
  const failure = await runner.failure('http.get', to('/end', 302, { redirects_max: 0 }))
  expect(failure).toMatchObject({ code: 'target_refused', message: 'The target answered 302.' })
})

test.each([
  ['post', 301, 'GET', ''],
  ['post', 302, 'GET', ''],
  ['post', 303, 'GET', ''],
  ['post', 307, 'POST', 'x'],
  ['post', 308, 'POST', 'x'],
  ['put', 302, 'PUT', 'x'],
  ['put', 303, 'GET', ''],
  ['delete', 307, 'DELETE', 'x'],
])(
  'a %s that gets %i goes on as %s, with the body that belongs to it',
  async (type, status, method, body) => {
    const result = await runner.run(`http.${type}`, to('/end', status, { text: 'x' }))
    expect(result.body).toMatchObject({ method, body })
    expect(result.body.headers['content-type'] !== undefined).toBe(body !== '')
  },
)

test('000.07 each hop has its record', async () => {
  const before = runner.exchanges.length
  await runner.run('http.get', to('/end'))
  expect(runner.exchanges.slice(before).map(({ status }) => status)).toEqual([302, 200])
})

test('within an origin credential and headers go along; at another nothing that says who we are', async () => {
  const credential = lent('api_key', {}, {}, { 'X-Secret': 'k-0123' })
  const headers = { Cookie: 'a=b', Authorization: 'x', 'X-Auth-Token': 'y', 'Accept-Language': 'de' }
  const same = await runner.run('http.get', to('/end', 302, { headers }), { credential })
  expect(same.body.headers).toMatchObject({ 'x-secret': 'k-0123', cookie: 'a=b', 'x-auth-token': 'y' })
  const elsewhere = await runner.run('http.get', to(other.url, 302, { headers }), { credential })
  expect(Object.keys(elsewhere.body.headers).sort()).toEqual([
    'accept',
    'accept-encoding',
    'accept-language',
    'connection',
    'host',
    'user-agent',
  ])
  const back = await runner.run('http.get', to(`${other.url}/back`, 302, { headers }), { credential })
  expect(back.body.headers).not.toHaveProperty('x-secret')
})

test('a credential that is limited to a host does not hinder the hop that goes without it', async () => {
  const credential = lent('api_key', {}, {}, { 'X-Secret': 'k-0123' })
  const byName = other.url.replace('127.0.0.1', 'other.example')
  const result = await runner.run('http.get', to(byName), {
    credential,
    limitsHosts: [['127.0.0.1']],
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
  })
  expect(result.body.headers).not.toHaveProperty('x-secret')
})

test.each<[string, string | undefined, string]>([
  ['no URL', undefined, 'to no URL'],
  ['a broken URL', 'http://[', 'to no URL'],
  ['a file', 'file:///etc/passwd', 'to something that is not HTTP'],
  ['a script', 'javascript:alert(1)', 'to something that is not HTTP'],
  ['a URL with a password', 'http://u:p@127.0.0.1/', 'to a URL with credentials'],
])('a redirect to %s is refused', async (_, location, message) => {
  const input = { ...to(''), query: { status: 302, ...(location !== undefined && { location }) } }
  expect(await runner.failure('http.get', input)).toMatchObject({
    code: 'target_refused',
    message: expect.stringContaining(message),
  })
})

test('000.48 each hop is held against the outbound policy', async () => {
  for (const location of [
    'http://169.254.169.254/latest/meta-data',
    'http://localhost:9/',
    'http://[::1]:9/',
  ])
    expect(await runner.failure('http.get', to(location))).toMatchObject({ code: 'outbound_denied' })
})

test('redirects in a circle end', async () => {
  const failure = await runner.failure('http.get', { url: `${target.url}/loop`, redirects_max: 10 })
  expect(failure).toMatchObject({
    code: 'target_refused',
    message: 'The target redirected more than 10 times.',
  })
})

const failing =
  (status: number, headers: Record<string, string> = {}) =>
  (response: ServerResponse) => {
    response.writeHead(status, headers).end()
  }
const cut = (response: ServerResponse) => response.socket?.destroy()
const again = (more: Record<string, unknown> = {}, retry: Record<string, unknown> = {}) => ({
  url: `${target.url}/next`,
  retry: { max_attempts: 4, initial_ms: 10, max_ms: 20, ...retry },
  ...more,
})

test('a request that failed for now is sent again, for as long as its retry says', async () => {
  answers = [failing(503), cut, failing(429, { 'retry-after': '0' })]
  expect((await runner.run('http.get', again())).body).toEqual({ done: true })
  answers = [failing(500), failing(500), failing(500), failing(500), failing(500)]
  expect(await runner.failure('http.get', again())).toMatchObject({ code: 'target_failed' })
  expect(answers).toHaveLength(1)
})

test('what would not get better is not sent again, nor what the step expects', async () => {
  answers = [failing(404), failing(404)]
  await runner.failure('http.get', again())
  expect(answers).toHaveLength(1)
  answers = [failing(503), failing(503)]
  expect((await runner.run('http.get', again({ expect_status: [503] }))).status).toBe(503)
  expect(answers).toHaveLength(1)
})

test('without retry a request is sent once', async () => {
  answers = [failing(503), failing(503)]
  await runner.failure('http.get', { url: `${target.url}/next` })
  expect(answers).toHaveLength(1)
})

test('a POST is sent again only where the step calls that unsafe, with the same Idempotency-Key', async () => {
  expect(await runner.failure('http.post', again())).toMatchObject({
    code: 'validation_failed',
    message: expect.stringContaining('unsafe: true'),
  })
  answers = [failing(503)]
  const before = target.received.length
  await runner.run('http.post', again({ json: {} }, { unsafe: true }))
  const keys = target.received.slice(before).map(({ headers }) => headers['idempotency-key'])
  expect(keys).toEqual(['run:step', 'run:step'])
})

test('a target that says to come back after the step is over is not waited for', async () => {
  for (const retryAfter of ['99999999', new Date(Date.now() + 86_400_000).toUTCString(), '9'.repeat(400)]) {
    answers = [failing(503, { 'retry-after': retryAfter })]
    const failure = await runner.failure('http.get', again(), { timeoutMs: 5_000 })
    expect([retryAfter, failure.code]).toEqual([retryAfter, 'target_failed'])
  }
})

test('a Retry-After that is none does not stop the step', async () => {
  answers = [failing(503, { 'retry-after': 'soon' }), failing(503, { 'retry-after': '-5' })]
  expect((await runner.run('http.get', again())).status).toBe(200)
})

test('cancelling ends the wait for the next attempt at once, with its own reason', async () => {
  const stop = new AbortController()
  const reason = new Error('CANCELLED')
  answers = [
    (response) => {
      response.on('finish', () => setImmediate(() => stop.abort(reason)))
      failing(503, { 'retry-after': '5' })(response)
    },
  ]
  const failure = await runner.failure('http.get', again(), { signal: stop.signal })
  expect(failure.error).toBe(reason)
})
