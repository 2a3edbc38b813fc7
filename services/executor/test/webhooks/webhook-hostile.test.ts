import type { ServerResponse } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { OutboundPolicy } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { createReach } from '@opsconductor/reach'
import { SecretValue } from '@opsconductor/redact'
import { createHttpClients } from '../../src/http/http-clients.ts'
import { sendOnce } from '../../src/http/send-once.ts'
import { webhookCall } from '../../src/step-types/webhook-call.ts'
import { deliverWebhook } from '../../src/webhooks/deliver-webhook.ts'
import { faultsOfWebhook, WebhookInput } from '../../src/webhooks/webhook-input.ts'
import type { DeliveryOutcome, OpenDelivery } from '../../src/webhooks/webhook-log.ts'
import { trustOf } from '../support/step-trust.ts'
import { startTarget } from '../support/target-server.ts'

let receiver: Awaited<ReturnType<typeof startTarget>>
let rawPort: number
let behave: (response: ServerResponse) => void
let behaveRaw: (socket: Socket) => void
const raw = createServer((socket) => behaveRaw(socket.on('error', () => {})))
const httpClients = createHttpClients()

beforeAll(async () => {
  receiver = await startTarget((_, response) => behave(response))
  await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve))
  rawPort = (raw.address() as { port: number }).port
})
afterAll(async () => {
  await httpClients.close()
  raw.close()
  await receiver.close()
})

const good = 'a secret of more than sixteen'
const secretOf = (secret: string) => ({
  id: 'c',
  type: 'webhook_secret',
  secret: { secret: new SecretValue(secret) },
  extra: {},
  http: null,
})

/** One attempt over real connections, with its line of the log; `ms` is the step's time. */
async function attempt(input: Record<string, unknown>, { ms = 5_000, secret = good, now = new Date() } = {}) {
  receiver.received.length = 0
  const parsed = WebhookInput.parse({ url: `${receiver.url}/hook`, payload: { a: 1 }, ...input })
  const reach = createReach({
    projectId: 'p',
    policy: OutboundPolicy.parse({ allow: [{ cidr: '127.0.0.1', ports: [receiver.port, rawPort] }] }),
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    limitsHosts: [],
  })
  const timeUp = new AbortController()
  const timer = setTimeout(() => timeUp.abort(new AppError('step_timeout', 'too long')), ms)
  const { signal } = timeUp
  const trust = trustOf()
  const ended: DeliveryOutcome[] = []
  const delivery: OpenDelivery = {
    webhookId: 'msg_1',
    attempt: 1,
    occurredAt: now,
    isScheduled: true,
    endpoint: { id: null, disabledAt: null, validatedBy: null },
    validated: async () => {},
    disable: async () => 'endpoint',
    end: async (outcome) => void ended.push(outcome),
  }
  const error = await deliverWebhook(parsed, {
    http: (outgoing) =>
      sendOnce(
        { httpClients, reach, trust, clientCertificate: undefined, signal, record: () => {} },
        outgoing,
      ),
    credential: secret === '' ? undefined : secretOf(secret),
    signal,
    webhooks: { begin: async () => delivery },
    idempotencyKey: 'run:step',
  }).then(
    () => undefined,
    (caught: AppError) => caught,
  )
  clearTimeout(timer)
  expect(ended).toHaveLength(1)
  return { code: error?.code ?? 'delivered', error, line: ended[0] as DeliveryOutcome }
}

const drip = (response: ServerResponse) => {
  response.writeHead(200)
  const timer = setInterval(() => response.write('x'), 20)
  response.on('close', () => clearInterval(timer))
}
const megabytes = (response: ServerResponse) =>
  void response.writeHead(200).end(Buffer.alloc(10_000_000, 'x'))
const bomb = gzipSync(Buffer.alloc(10_000_000))
const answering =
  (status: number, headers: Record<string, string | string[]> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(status, headers).end('no JSON')

test.each<[string, (response: ServerResponse) => void, Record<string, unknown>, string]>([
  ['never answers', () => {}, {}, 'step_timeout'],
  ['drips its answer, which nobody reads', drip, {}, 'delivered'],
  ['drips its answer, which a condition reads', drip, { expect: ['$.a'] }, 'step_timeout'],
  ['answers 10 MB, which nobody reads', megabytes, {}, 'delivered'],
  ['answers 10 MB, which are to be kept', megabytes, { keep_answer: true }, 'target_answer_too_large'],
  [
    'answers a compression bomb',
    (response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
    { keep_answer: true },
    'target_answer_too_large',
  ],
  [
    'says JSON and answers none',
    answering(200, { 'content-type': 'application/json' }),
    { keep_answer: true },
    'step_failed',
  ],
  [
    'sends us to the metadata service',
    answering(302, { location: 'http://169.254.169.254/' }),
    {},
    'target_refused',
  ],
  ['sends us on for ever', answering(307, { location: '/hook' }), {}, 'target_refused'],
  ['is broken', answering(500), {}, 'target_failed'],
  [
    'is broken and says JSON',
    answering(503, { 'content-type': 'application/json' }),
    { keep_answer: true },
    'target_failed',
  ],
  [
    'answers its challenge with a large page of errors',
    (response) => void response.writeHead(503).end('x'.repeat(100_000)),
    { validate: 'challenge' },
    'target_failed',
  ],
  ['is not there', answering(404), {}, 'target_refused'],
  ['answers its challenge with 10 MB', megabytes, { validate: 'challenge' }, 'target_answer_too_large'],
])('a receiver that %s', async (_, answer, input, code) => {
  behave = answer
  expect(await attempt(input, { ms: code === 'step_timeout' ? 300 : 5_000 })).toMatchObject({
    code,
    line: { status: code === 'delivered' ? 'delivered' : 'failed' },
  })
  expect(receiver.received).toHaveLength(1)
})

test.each<[string, (socket: Socket) => void]>([
  ['closes without an answer', (socket) => socket.once('data', () => socket.destroy())],
  ['speaks another protocol', (socket) => void socket.write('SSH-2.0-OpenSSH\r\n')],
  [
    'answers twice as long as it says',
    (socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'),
  ],
])('a receiver that %s could not be reached, and is tried again', async (_, answer) => {
  behaveRaw = answer
  const { code, line } = await attempt({ url: `http://127.0.0.1:${rawPort}/` })
  expect([code, line.nextAttemptAt === null]).toEqual(['target_unreachable', false])
})

test('a receiver that sends headers without end is not tried again', async () => {
  behaveRaw = (socket) => void socket.write(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(200_000)}`)
  const { code, line } = await attempt({ url: `http://127.0.0.1:${rawPort}/` })
  expect([code, line.nextAttemptAt]).toEqual(['target_answer_too_large', null])
})

test.each(['challenge', 'head'])(
  '000.11 a receiver that answers 410 to its %s is disabled',
  async (validate) => {
    behave = answering(410)
    const { error, line } = await attempt({ validate })
    expect(error).toMatchObject({
      code: 'target_refused',
      message: expect.stringContaining('POST /api/webhook-endpoints/endpoint/enable'),
    })
    expect([receiver.received.length, line.nextAttemptAt]).toEqual([1, null])
  },
)

const maxSeconds = 3_600
test.each<[string, string | string[], number]>([
  ['beyond all patience', '99999999', maxSeconds],
  ['beyond all numbers', '9'.repeat(400), maxSeconds],
  ['in the far future', 'Fri, 31 Dec 9999 23:59:59 GMT', maxSeconds],
  ['negative', '-5', 5],
  ['no number', 'soon', 5],
  ['in the past', 'Thu, 01 Jan 1970 00:00:00 GMT', 5],
  ['twice', ['60', '90'], 5],
  ['in hexadecimal', '0x10', 5],
])(
  'a Retry-After that is %s delays the next attempt by its bound or not at all',
  async (_, header, seconds) => {
    behave = answering(503, { 'retry-after': header })
    const now = new Date()
    const retry = { first_seconds: 5, max_seconds: maxSeconds, give_up_after_seconds: 86_400 }
    const { line } = await attempt({ retry }, { now })
    const delay = ((line.nextAttemptAt as Date).getTime() - now.getTime()) / 1000
    expect(delay).toBeGreaterThanOrEqual(seconds * 0.75)
    expect(delay).toBeLessThan(seconds * 1.25 + 10)
  },
)

test.each([
  ['the metadata service', 'http://169.254.169.254/latest'],
  ['another port of this machine', 'http://127.0.0.1:1/'],
  ['this machine by another spelling', 'http://0x7f000001:1/'],
  ['a name that leads to this machine', 'http://hooks.example.com:1/'],
])('nothing goes to %s', async (_, url) => {
  expect((await attempt({ url })).code).toBe('outbound_denied')
})

test.each([
  ['no credential', '', 'needs a credential of type webhook_secret'],
  ['a secret that is too short', 'fifteen letters', 'must have at least 16 characters'],
  ['too few bytes', 'whsec_c2hvcnQ=', 'must hold 24 to 64 bytes'],
  ['no base64', `whsec_${'*'.repeat(44)}`, 'must hold 24 to 64 bytes'],
])('with %s nothing is sent, signed or not', async (_, secret, fault) => {
  behave = answering(200)
  const { code, error } = await attempt({}, { secret })
  expect([code, receiver.received.length]).toEqual(['step_failed', 0])
  expect(error?.message).toContain(fault)
  if (secret !== '') expect(error?.message).not.toContain(secret)
})

test('a payload that is nested without end is refused before it is written', async () => {
  let payload: unknown = 1
  for (let i = 0; i < 150; i++) payload = [payload]
  expect((await attempt({ payload })).code).toBe('validation_failed')
})

test('half a character in a body is signed as it is sent', async () => {
  behave = answering(200)
  expect((await attempt({ payload: undefined, body: 'a\ud800b' })).code).toBe('delivered')
  expect(receiver.received[0]?.body).toBe('a\ufffdb')
})

test.each([
  { headers: { 'X-A': 'a\r\nwebhook-id: forged' } },
  { headers: { 'X-A\r\nB': 'a' } },
  { headers: { 'X-A': 'a\0' } },
  { headers: { 'X-A': '\u4f60' } },
  { headers: { Host: 'other.example.com' } },
  { headers: { 'Transfer-Encoding': 'chunked' } },
  { headers: { 'Webhook-Signature': 'v1,forged' } },
  { headers: { 'webhook-id': 'msg_other' } },
  { headers: { 'X-Hub-Signature-256': 'sha256=forged' } },
  { content_type: 'text/plain\r\nX: y' },
  { event_type: 'a b' },
  { event_type: 'a.\r\nX: y' },
  { url: 'http://user:password@hooks.example.com/' },
  { url: 'file:///etc/passwd' },
  { url: 'gopher://hooks.example.com/' },
  { url: '//hooks.example.com/' },
  { body: 'x'.repeat(300_000) },
  { signature: 'md5' },
  { retry: { max_attempts: 1_000 } },
  { retry: { max_attempts: 0 } },
  { retry: { first_seconds: 0 } },
  { retry: { first_seconds: -1 } },
  { retry: { give_up_after_seconds: 30 * 86_400 } },
  { retry: { max_seconds: Number.POSITIVE_INFINITY } },
  { body_bytes_max: 1e9 },
  { validate: 'ping' },
  { follow_redirects: true },
])('the input %j is refused', (input) => {
  const parsed = webhookCall.input.safeParse({ url: 'https://hooks.example.com/', payload: 1, ...input })
  expect(parsed.success).toBe(false)
})

test.each([
  [{ payload: 1, body: 'a' }, 'must have either payload or body'],
  [{}, 'must have either payload or body'],
  [{ body: 'a', event_type: 'a.b' }, 'needs a payload: a body is sent as it is'],
])('%j is refused when the job is saved', (input, message) => {
  expect(faultsOfWebhook(input)).toEqual([expect.objectContaining({ message })])
})
