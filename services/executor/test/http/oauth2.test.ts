import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startOAuth2Peer } from '@opsconductor/test-peers'
import { sendJson, startTarget } from '../support/target-server.ts'
import { createStepRunner, lent, opened } from './step-runner.ts'

let peer: Awaited<ReturnType<typeof startOAuth2Peer>>
/** Takes what the authorisation server says is valid, but for what was refused here. */
let api: Awaited<ReturnType<typeof startTarget>>
/** An authorisation server that answers what a test says. */
let strange: Awaited<ReturnType<typeof startTarget>>
let strangeAnswer: { status: number; body: unknown; headers?: Record<string, string> }
let runner: ReturnType<typeof createStepRunner>
const refused = new Set<string>()

beforeAll(async () => {
  peer = await startOAuth2Peer()
  api = await startTarget(async ({ headers }, response) => {
    const token = headers.authorization?.replace(/^Bearer /, '') ?? ''
    const isGood = !refused.has(token) && (await peer.isValid(token))
    sendJson(response, isGood ? { token } : { error: 'invalid_token' }, isGood ? 200 : 401)
  })
  strange = await startTarget((_, response) => {
    response.writeHead(strangeAnswer.status, { 'content-type': 'application/json', ...strangeAnswer.headers })
    response.end(
      typeof strangeAnswer.body === 'string' ? strangeAnswer.body : JSON.stringify(strangeAnswer.body),
    )
  })
  runner = createStepRunner({ policy: opened(peer.port, api.port, strange.port) })
}, 30_000)
afterAll(async () => {
  await runner?.close()
  await Promise.all([peer?.close(), api?.close(), strange?.close()])
})

const service = (extra: object = {}, clientSecret = peer.clients.service.secret) =>
  lent(
    'oauth2_client',
    { client_secret: clientSecret },
    { client_id: 'service', token_url: peer.tokenUrl, auth_style: 'basic', ...extra },
  )
const call = (credential = service()) => runner.run('http.get', { url: api.url }, { credential })

test('000.02 client credentials: a token is got, used and kept for the next step', async () => {
  const credential = service({ scope: 'read' })
  const before = peer.asked.length
  const first = await call(credential)
  expect(await peer.isValid(first.body.token)).toBe(true)
  expect((await call(credential)).body.token).toBe(first.body.token)
  expect(peer.asked.length - before).toBe(1)
})

test('000.02 many steps at once cause one request for a token', async () => {
  const credential = service()
  const before = peer.asked.length
  const results = await Promise.all(Array.from({ length: 20 }, () => call(credential)))
  expect(new Set(results.map(({ body }) => body.token)).size).toBe(1)
  expect(peer.asked.length - before).toBe(1)
})

test('another credential, and a changed secret of the same, get a token of their own', async () => {
  const credential = service()
  const { body } = await call(credential)
  expect((await call(service())).body.token).not.toBe(body.token)
  const changed = { ...service({}, 'wrong-secret'), id: credential.id }
  expect(await runner.failure('http.get', { url: api.url }, { credential: changed })).toMatchObject({
    code: 'target_refused',
    message: 'The token endpoint refused the client: invalid_client.',
  })
})

test('a token that the target does not take is asked for anew, once', async () => {
  const credential = service()
  const { body } = await call(credential)
  refused.add(body.token)
  const before = peer.asked.length
  const again = await call(credential)
  expect(again.body.token).not.toBe(body.token)
  expect(peer.asked.length - before).toBe(1)
})

test('a target that says 401 for ever gets two requests, not more', async () => {
  const never = await startTarget((_, response) => sendJson(response, {}, 401))
  const failure = await runner.failure(
    'http.get',
    { url: never.url },
    { credential: service(), policy: opened(peer.port, never.port) },
  )
  expect([failure.code, failure.message, never.received.length]).toEqual([
    'target_refused',
    'The target answered 401.',
    2,
  ])
  await never.close()
})

test('000.02 refresh token: the access token is used, and the next is got with the newest refresh token', async () => {
  const credential = lent(
    'oauth2_client',
    { client_secret: peer.clients.web.secret, refresh_token: await peer.issueRefreshToken() },
    { client_id: 'web', token_url: peer.tokenUrl, auth_style: 'post' },
  )
  const tokens = []
  for (let i = 0; i < 3; i++) {
    const { token } = (await call(credential)).body
    tokens.push(token)
    refused.add(token)
  }
  // The server would have refused a refresh token that came twice.
  expect(new Set(tokens).size).toBe(3)
  for (const { requestBody } of runner.exchanges.filter(({ url }) => url === peer.tokenUrl)) {
    const sent = new URLSearchParams(requestBody ?? '').get('refresh_token')
    if (sent !== null) expect(runner.learnt).toContain(sent)
  }
})

test('a refresh token that is not taken says so, and nothing quotes it', async () => {
  const credential = lent(
    'oauth2_client',
    { client_secret: peer.clients.web.secret, refresh_token: 'never-issued-0123' },
    { client_id: 'web', token_url: peer.tokenUrl, auth_style: 'post' },
  )
  const failure = await runner.failure('http.get', { url: api.url }, { credential })
  expect([failure.code, failure.message]).toEqual([
    'target_refused',
    'The token endpoint refused the client: invalid_grant.',
  ])
})

test('000.07 the request for a token is recorded without its answer, and the token is taken out of the rest', async () => {
  const before = runner.exchanges.length
  const { body } = await call(service())
  const [asked, used] = runner.exchanges.slice(before)
  expect(asked).toMatchObject({ method: 'POST', url: peer.tokenUrl, status: 200, responseBody: '[redacted]' })
  expect(JSON.stringify(asked)).not.toContain(body.token)
  expect(used).toMatchObject({ method: 'GET', status: 200 })
  expect(runner.learnt).toContain(body.token)
})

test('a step that uses a token which another step got has it taken out too', async () => {
  const credential = service()
  await call(credential)
  const before = runner.learnt.length
  const { body } = await call(credential)
  expect(runner.learnt.slice(before)).toContain(body.token)
})

test('000.48 the token endpoint is held against the outbound policy, and against the limits of the credential', async () => {
  const failing = (options: object) =>
    runner.failure('http.get', { url: api.url }, { credential: service(), ...options })
  expect(await failing({ policy: opened(api.port) })).toMatchObject({ code: 'outbound_denied' })
  expect(await failing({ limitsHosts: [['api.example.com']] })).toMatchObject({ code: 'outbound_denied' })
})

test.each<[string, typeof strangeAnswer, string]>([
  ['no token', { status: 200, body: { token_type: 'Bearer' } }, 'step_failed'],
  ['text', { status: 200, body: 'hello' }, 'step_failed'],
  ['a list', { status: 200, body: [] }, 'step_failed'],
  ['nothing', { status: 204, body: '' }, 'step_failed'],
  [
    'a token of another kind',
    { status: 200, body: { access_token: 'a', token_type: 'dpop' } },
    'step_failed',
  ],
  [
    'a token that would end the header',
    { status: 200, body: { access_token: 'a\r\nx: y', token_type: 'bearer' } },
    'step_failed',
  ],
  [
    'a token that is an object',
    { status: 200, body: { access_token: {}, token_type: 'bearer' } },
    'step_failed',
  ],
  ['an error of its own', { status: 400, body: { error: 'SECRET <script>' } }, 'step_failed'],
  ['a known error', { status: 400, body: { error: 'invalid_scope' } }, 'target_refused'],
  [
    '401 with a challenge',
    { status: 401, body: {}, headers: { 'www-authenticate': 'Basic' } },
    'target_refused',
  ],
  ['a redirect', { status: 302, body: '', headers: { location: 'http://169.254.169.254/' } }, 'step_failed'],
  ['500', { status: 500, body: {} }, 'target_failed'],
  ['429', { status: 429, body: {} }, 'target_failed'],
  ['a megabyte', { status: 200, body: { access_token: 'x'.repeat(1_000_000) } }, 'target_answer_too_large'],
  [
    'a long token',
    { status: 200, body: { access_token: 'x'.repeat(20_000), token_type: 'bearer' } },
    'step_failed',
  ],
])('an authorisation server that answers %s fails the step', async (_, answer, code) => {
  strangeAnswer = answer
  const credential = service({ token_url: strange.url })
  const before = api.received.length
  const failure = await runner.failure('http.get', { url: api.url }, { credential })
  expect([failure.code, api.received.length]).toEqual([code, before])
  expect(failure.message).not.toContain('SECRET')
})

test.each<[number | undefined, string, string]>([
  [undefined, 'is used', 'target_refused'],
  [0, 'is used', 'target_refused'],
  [1e300, 'is used', 'target_refused'],
  [-5, 'is none', 'step_failed'],
])('a token that lasts %s seconds %s', async (expires_in, _, code) => {
  const lifetime = expires_in === undefined ? {} : { expires_in }
  strangeAnswer = { status: 200, body: { access_token: 'made-up', token_type: 'Bearer', ...lifetime } }
  const credential = service({ token_url: strange.url })
  // The API knows no such token and says 401.
  expect((await runner.failure('http.get', { url: api.url }, { credential })).code).toBe(code)
})
