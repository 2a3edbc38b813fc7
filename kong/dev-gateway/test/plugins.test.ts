import { request as httpRequest } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { startTestGateway, startUpstream, type TestGateway } from './start-test-gateway.ts'

let now = Date.UTC(2026, 0, 1)
let gateway: TestGateway
let upstream: Awaited<ReturnType<typeof startUpstream>>
beforeEach(async () => {
  now = Date.UTC(2026, 0, 1)
  upstream = await startUpstream(async (request, response) => {
    response.setHeader('Access-Control-Allow-Origin', 'https://upstream.test')
    response.end(await text(request).catch(() => ''))
  })
  gateway = await startTestGateway({ clock: { now: () => now } })
  await gateway.publish('one', upstream.url)
  await gateway.publish('two', upstream.url)
})
afterEach(async () => {
  await gateway.stop()
  await upstream.stop()
})

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(gateway.proxyUrl + path, { headers })
const statuses = async (paths: string[], headers?: Record<string, string>) => {
  const found: number[] = []
  for (const path of paths) found.push((await get(path, headers)).status)
  return found
}
const limit = (scope: string, config: object) =>
  gateway.admin('POST', `${scope}/plugins`, { name: 'rate-limiting', config: { policy: 'local', ...config } })

test('rate-limiting counts in windows of the clock and tells when the window ends', async () => {
  await limit('/services/one', { minute: 2, hour: 3, limit_by: 'service' })
  now += 20_500
  expect(await statuses(['/one', '/one', '/one'])).toEqual([200, 200, 429])
  const refused = await get('/one')
  expect(refused.headers.get('retry-after')).toBe('40')
  expect(refused.headers.get('ratelimit-reset')).toBe('40')
  now += 40_000
  expect(await statuses(['/one', '/one'])).toEqual([200, 429])
  const byHour = await get('/one')
  expect(byHour.headers.get('x-ratelimit-remaining-hour')).toBe('0')
  expect(byHour.headers.get('retry-after')).toBe('3540')
  now += 3_600_000
  expect((await get('/one')).status).toBe(200)
})

for (const [period, next] of [
  ['second', Date.UTC(2026, 0, 31, 12, 0, 1)],
  ['day', Date.UTC(2026, 1, 1)],
  ['month', Date.UTC(2026, 1, 1)],
  ['year', Date.UTC(2027, 0, 1)],
] as const) {
  test(`rate-limiting by ${period} starts over where the ${period} does, in UTC`, async () => {
    now = Date.UTC(2026, 0, 31, 12)
    await limit('/services/one', { [period]: 1, limit_by: 'service' })
    expect(await statuses(['/one', '/one'])).toEqual([200, 429])
    now = next - 1
    expect(await statuses(['/one'])).toEqual([429])
    now = next
    expect(await statuses(['/one'])).toEqual([200])
  })
}

test('limit_by service counts all callers of one service together, and no other service', async () => {
  await limit('/services/one', { minute: 1, limit_by: 'service' })
  await limit('/services/two', { minute: 1, limit_by: 'service' })
  expect(await statuses(['/one', '/two', '/one', '/two'])).toEqual([200, 200, 429, 429])
})

test('limit_by header counts each value by itself, and the address of who sends none', async () => {
  await limit('/services/one', { minute: 1, limit_by: 'header', header_name: 'X-Client' })
  expect(await statuses(['/one', '/one'], { 'x-client': 'a' })).toEqual([200, 429])
  expect(await statuses(['/one', '/one'], { 'x-client': 'b' })).toEqual([200, 429])
  expect(await statuses(['/one', '/one'])).toEqual([200, 429])
})

test('limit_by path counts that path by itself', async () => {
  await limit('/services/one', { minute: 1, limit_by: 'path', path: '/one/a' })
  expect(await statuses(['/one/a', '/one/a', '/one/b', '/one/c'])).toEqual([200, 429, 200, 429])
})

test('the counters outlive a change of another entity', async () => {
  await limit('/services/one', { minute: 1, limit_by: 'service' })
  expect(await statuses(['/one'])).toEqual([200])
  await gateway.publish('three', upstream.url)
  expect(await statuses(['/three', '/one'])).toEqual([200, 429])
})

test('the plugin of the route and service beats that of the route, the service, and the global one', async () => {
  const terminate = (message: string, scope: object) =>
    gateway.admin('POST', '/plugins', { name: 'request-termination', config: { message }, ...scope })
  const said = async (path: string) => ((await (await get(path)).json()) as { message: string }).message
  await terminate('global', {})
  expect([await said('/one'), await said('/two')]).toEqual(['global', 'global'])
  await terminate('service', { service: { name: 'one' } })
  expect([await said('/one'), await said('/two')]).toEqual(['service', 'global'])
  await terminate('route', { route: { name: 'one' } })
  expect(await said('/one')).toBe('route')
  const both = await terminate('both', { route: { name: 'one' }, service: { name: 'one' } })
  expect(await said('/one')).toBe('both')
  await gateway.admin('PATCH', `/plugins/${both.id}`, { enabled: false })
  expect(await said('/one')).toBe('route')
})

test('a plugin of a consumer never runs, since no caller is recognised', async () => {
  await gateway.admin('POST', '/consumers', { username: 'bob' })
  await gateway.admin('POST', '/consumers/bob/plugins', { name: 'request-termination' })
  expect(await statuses(['/one'])).toEqual([200])
})

test('request-termination answers with its own body, and names the charset of a text', async () => {
  const config = { status_code: 418, body: '<b>tea</b>', content_type: 'text/html' }
  await gateway.admin('POST', '/routes/one/plugins', { name: 'request-termination', config })
  const answer = await get('/one')
  expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
    418,
    'text/html; charset=UTF-8',
    '<b>tea</b>',
  ])
})

function postChunked(path: string, parts: string[]): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(gateway.proxyUrl + path, { method: 'POST' }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    outgoing.on('error', reject)
    for (const part of parts) outgoing.write(part)
    outgoing.end()
  })
}

test('request-size-limiting stops a body without a length where it passes the limit', async () => {
  const config = { allowed_payload_size: 1, size_unit: 'kilobytes' }
  await gateway.admin('POST', '/routes/one/plugins', { name: 'request-size-limiting', config })
  expect(await postChunked('/one', ['x'.repeat(1000), 'x'.repeat(24)])).toBe(200)
  expect(await postChunked('/one', ['x'.repeat(1000), 'x'.repeat(25)])).toBe(413)
})

test('request-size-limiting can insist on a length', async () => {
  const config = { allowed_payload_size: 1, require_content_length: true }
  await gateway.admin('POST', '/routes/one/plugins', { name: 'request-size-limiting', config })
  expect(await postChunked('/one', ['x'])).toBe(411)
  expect((await fetch(`${gateway.proxyUrl}/one`, { method: 'POST', body: 'x' })).status).toBe(200)
})

test('cors replaces what the upstream says and names the origin when credentials are allowed', async () => {
  await gateway.admin('POST', '/routes/one/plugins', { name: 'cors', config: { credentials: true } })
  const answer = await get('/one', { origin: 'https://page.test' })
  expect(answer.headers.get('access-control-allow-origin')).toBe('https://page.test')
  expect(answer.headers.get('access-control-allow-credentials')).toBe('true')
  expect(answer.headers.get('vary')).toBe('Origin')
})

test('cors matches the whole origin: a listed name as prefix or suffix of another is not enough', async () => {
  const config = { origins: ['https://a.test', 'https://[a-z]+\\.b\\.test'] }
  await gateway.admin('POST', '/routes/one/plugins', { name: 'cors', config })
  const allowed = async (origin: string) =>
    (await get('/one', { origin })).headers.get('access-control-allow-origin')
  expect(await allowed('https://a.test')).toBe('https://a.test')
  expect(await allowed('https://x.b.test')).toBe('https://x.b.test')
  for (const origin of ['https://a.test.evil', 'https://x.b.test.evil', 'evil:https://x.b.test']) {
    expect(await allowed(origin)).toBe('https://upstream.test')
  }
})

test('cors headers are on refusals too, so that a page can read why', async () => {
  await gateway.admin('POST', '/routes/one/plugins', { name: 'cors' })
  await limit('/services/one', { minute: 1 })
  await get('/one')
  const refused = await get('/one', { origin: 'https://page.test' })
  expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([429, '*'])
})

test('correlation-id gives every request its own id, and the upstream and the client the same one', async () => {
  const config = { header_name: 'X-Request-Id', echo_downstream: true, generator: 'uuid' }
  await gateway.admin('POST', '/services/one/plugins', { name: 'correlation-id', config })
  const [first, second] = [await get('/one'), await get('/one')]
  const ids = [first, second].map((answer) => answer.headers.get('x-request-id'))
  expect(upstream.seen.map(({ headers }) => headers['x-request-id'])).toEqual(ids)
  expect(new Set(ids).size).toBe(2)
  const given = await get('/one', { 'x-request-id': 'mine' })
  expect(given.headers.get('x-request-id')).toBe('mine')
})

test('a plugin whose header cannot be sent fails its own requests only', async () => {
  const config = { header_name: 'not a header', echo_downstream: true }
  await gateway.admin('POST', '/services/one/plugins', { name: 'correlation-id', config })
  await expect(get('/one')).rejects.toThrow()
  expect(await statuses(['/two'])).toEqual([200])
})
