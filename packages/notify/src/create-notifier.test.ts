import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from '@jest/globals'
import { createNotifier, type Notifier, type NotifierOptions } from './index.ts'

interface Received {
  method: string
  url: string
  headers: IncomingHttpHeaders
  body: string
}
type Answer = number | { status: number; headers: Record<string, string> } | 'none' | 'cut'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** A webhook that answers as told, in turn, and 200 from then on. */
async function startReceiver(...answers: Answer[]) {
  const received: Received[] = []
  const server = createServer(async (message, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of message) chunks.push(chunk as Buffer)
    const { method = '', url = '', headers } = message
    received.push({ method, url, headers, body: Buffer.concat(chunks).toString('utf8') })
    answerWith(answers.shift() ?? 200, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { server, url: `http://127.0.0.1:${port}/hook/token-0123456789`, port, received }
}

function answerWith(answer: Answer, response: ServerResponse): void {
  if (answer === 'none') return
  if (answer === 'cut') return void response.destroy()
  const { status, headers } = typeof answer === 'number' ? { status: answer, headers: {} } : answer
  response.writeHead(status, headers).end('answered token-0123456789')
}

const at = new Date('2026-11-22T09:00:00.500Z')
const notification = {
  id: '6f6e7d1c-9b1f-4f7a-8a43-6a7f0c1d2e3f',
  type: 'test.told',
  title: 'Credential "a & b" expires',
  text: 'Credential "a & <!channel>" expires in 7 days.',
  facts: { credential_name: 'a & <!channel>', days_left: 7 },
}

/** A notifier that notes how long it would wait between tries, and does not. */
function notifierOf(options: NotifierOptions): { notifier: Notifier; waits: number[] } {
  const waits: number[] = []
  const notifier = createNotifier({ now: () => at, wait: async (ms) => void waits.push(ms), ...options })
  closers.push(() => notifier.close())
  return { notifier, waits }
}

test('a webhook gets the notification as JSON, whose text a Slack-compatible one shows and follows no command in', async () => {
  const { url, received } = await startReceiver()
  await notifierOf({ webhooks: [{ url }] }).notifier.notify(notification)
  expect(received).toHaveLength(1)
  expect(received[0]).toMatchObject({ method: 'POST', url: '/hook/token-0123456789' })
  expect(received[0]?.headers['content-type']).toBe('application/json')
  expect(Object.keys(received[0]?.headers ?? {}).filter((name) => name.startsWith('webhook-'))).toEqual([])
  expect(JSON.parse(received[0]?.body ?? '')).toEqual({
    ...notification,
    text: 'Credential "a &amp; &lt;!channel&gt;" expires in 7 days.',
    created_at: '2026-11-22T09:00:00.500Z',
  })
})

test.each(['@channel', '@here', '@all', '@Everyone'])(
  '%s in what a server said calls nobody',
  async (name) => {
    const { url, received } = await startReceiver()
    const text = `The CA refused it: ${name} look, ops@example.com.`
    await notifierOf({ webhooks: [{ url }] }).notifier.notify({ ...notification, text })
    expect(JSON.parse(received[0]?.body ?? '').text).toBe(text.replace(name, `@\u200b${name.slice(1)}`))
  },
)

const keyBytes = Buffer.from('0123456789abcdef0123456789abcdef')
test.each([
  ['whsec_ and base64', `whsec_${keyBytes.toString('base64')}`, keyBytes],
  ['a plain text', 'a plain secret of more than 16', Buffer.from('a plain secret of more than 16')],
])('the signature of Standard Webhooks is right for %s', async (_name, secret, key) => {
  const { url, received } = await startReceiver()
  await notifierOf({ webhooks: [{ url, secret }] }).notifier.notify(notification)
  const { headers, body } = received[0] as Received
  expect(headers['webhook-id']).toBe(notification.id)
  expect(headers['webhook-timestamp']).toBe(String(Date.UTC(2026, 10, 22, 9) / 1000))
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`)
})

test('what may pass is tried again under the same id, each time signed anew', async () => {
  const { url, received } = await startReceiver(500, 'cut')
  let seconds = 0
  const now = () => new Date(at.getTime() + 60_000 * seconds++)
  const { notifier, waits } = notifierOf({ webhooks: [{ url, secret: 'plain-0123456789' }], now })
  await notifier.notify(notification)
  expect(received.map(({ headers }) => headers['webhook-id'])).toEqual(Array(3).fill(notification.id))
  expect(new Set(received.map(({ body }) => body)).size).toBe(1)
  expect(new Set(received.map(({ headers }) => headers['webhook-signature'])).size).toBe(3)
  expect(waits).toEqual([1_000, 4_000])
})

test('three tries are all, and the error names the host but neither the address nor what was answered', async () => {
  const { url, port, received } = await startReceiver(503, 503, 503, 503)
  await expect(notifierOf({ webhooks: [{ url }] }).notifier.notify(notification)).rejects.toThrow(
    new Error(`A notification was not delivered (127.0.0.1:${port}: answered 503).`),
  )
  expect(received).toHaveLength(3)
})

test.each([
  ['seconds', '20', [20_000]],
  ['a date', new Date(at.getTime() + 12_500).toUTCString(), [12_500]],
])('Retry-After in %s is kept to', async (_name, header, expected) => {
  const { url, received } = await startReceiver({ status: 429, headers: { 'retry-after': header } })
  const { notifier, waits } = notifierOf({ webhooks: [{ url }] })
  await notifier.notify(notification)
  expect([received.length, waits]).toEqual([2, expected])
})

test('nobody waits for a Retry-After of more than 30 s, or comes back before it', async () => {
  const { url, received } = await startReceiver({ status: 503, headers: { 'retry-after': '31' } })
  const { notifier, waits } = notifierOf({ webhooks: [{ url }] })
  await expect(notifier.notify(notification)).rejects.toThrow('answered 503')
  expect([received.length, waits]).toEqual([1, []])
})

test.each([
  [410, false],
  [404, false],
  [400, true],
  [422, true],
])(
  '%i is not tried again; that the message was refused, and not the sender: %s',
  async (status, messageRefused) => {
    const { url, received } = await startReceiver(status)
    await expect(notifierOf({ webhooks: [{ url }] }).notifier.notify(notification)).rejects.toMatchObject({
      message: expect.stringContaining(`answered ${status}`),
      messageRefused,
    })
    expect(received).toHaveLength(1)
  },
)

test.each([301, 307, 308])('a redirect (%i) is not followed', async (status) => {
  const elsewhere = await startReceiver()
  const { url, received } = await startReceiver({ status, headers: { location: elsewhere.url } })
  await expect(notifierOf({ webhooks: [{ url }] }).notifier.notify(notification)).rejects.toThrow('redirect')
  expect([received.length, elsewhere.received.length]).toEqual([1, 0])
})

test('a webhook that does not answer in time is tried three times', async () => {
  const { url, received } = await startReceiver('none', 'none', 'none')
  const { notifier } = notifierOf({ webhooks: [{ url }], timeoutMs: 100 })
  await expect(notifier.notify(notification)).rejects.toThrow('no answer within 100 ms')
  expect(received).toHaveLength(3)
})

test('a webhook that fails keeps no other one from being told', async () => {
  const [gone, good] = [await startReceiver(410), await startReceiver()]
  const { notifier } = notifierOf({ webhooks: [{ url: gone.url }, { url: good.url }] })
  await expect(notifier.notify(notification)).rejects.toThrow(`127.0.0.1:${gone.port}: answered 410`)
  expect(good.received).toHaveLength(1)
})

test('closing gives up what waits for an answer', async () => {
  const { url, server } = await startReceiver('none')
  const { notifier } = notifierOf({ webhooks: [{ url }], timeoutMs: 60_000 })
  const asked = once(server, 'request')
  const told = expect(notifier.notify(notification)).rejects.toThrow('given up')
  await asked
  await notifier.close()
  await told
})

test('closing gives up what waits for its next try', async () => {
  const { url, received } = await startReceiver(503)
  let close = () => {}
  const { notifier } = notifierOf({
    webhooks: [{ url }],
    wait: (_ms, signal) => {
      close()
      return sleep(60_000, undefined, { signal })
    },
  })
  close = () => setImmediate(() => void notifier.close())
  await expect(notifier.notify(notification)).rejects.toThrow('given up')
  expect(received).toHaveLength(1)
})

test.each([
  'http://hooks.example.com/x',
  'http://localhost.example.com/x',
  'http://127.0.0.1.example.com/x',
  'ftp://127.0.0.1/x',
  'https://user:pass@hooks.example.com/x',
  'no address',
])('%s is refused as an address', (url) => {
  expect(() => createNotifier({ webhooks: [{ url }] })).toThrow(/address or secret must/)
})

test.each(['short', 'whsec_c2hvcnQ=', `whsec_${'*'.repeat(44)}`, 'whsec_'])(
  '%s is refused as a secret',
  (secret) => {
    expect(() => createNotifier({ webhooks: [{ url: 'https://hooks.example.com/x', secret }] })).toThrow(
      /address or secret must/,
    )
  },
)
