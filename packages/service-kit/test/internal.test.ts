import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { internalEndpoint } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { z } from 'zod'
import {
  createInternalApp,
  createInternalClient,
  createLog,
  createMetrics,
  type InternalClient,
  internalKeyConfig,
  internalKeys,
  internalRoute,
  type Listening,
  listen,
  readConfig,
} from '../src/index.ts'
import { createRefusalDelay } from '../src/refusal-delay.ts'

const endpoint = internalEndpoint({
  service: 'api-key',
  callers: ['executor'],
  method: 'post',
  path: '/internal/echo/{name}',
  summary: 'Echo',
  request: z.object({ text: z.string() }).strict(),
  answer: z.object({ text: z.string(), caller: z.string() }),
})
const environment = {
  INTERNAL_KEY: 'shared-key-0123456789',
  INTERNAL_KEY_EXECUTOR: 'executor-key-0123456789',
  INTERNAL_KEY_CONSOLE: 'console-key-0123456789',
}
const keysOf = (self: 'api-key' | 'executor' | 'console') =>
  internalKeys(readConfig(environment, internalKeyConfig), self)

let listening: Listening
let ready = true
const unauthorized: string[] = []
beforeAll(async () => {
  const app = createInternalApp({
    log: createLog('test', 'silent'),
    metrics: createMetrics(),
    keys: keysOf('api-key'),
    ready: async () => {
      if (!ready) throw new Error('no database')
    },
    onUnauthorized: (route) => unauthorized.push(route),
    routes: [
      internalRoute(endpoint, async ({ request, params, caller }) => {
        if (params.name === 'missing') throw new AppError('not_found', 'There is no such name.')
        if (params.name === 'broken') throw new Error('inside')
        if (params.name === 'sealed') throw new AppError('vault_sealed', 'The vault is sealed.')
        return { text: `${params.name}: ${request.text}`, caller, extra: 'never sent' }
      }),
    ],
  })
  listening = await listen(app, '127.0.0.1', 0)
})
afterAll(() => listening.close())

async function withClient<T>(
  key: string,
  url: string,
  use: (client: InternalClient) => Promise<T>,
  timeoutMs = 2_000,
): Promise<T> {
  const client = createInternalClient({ urls: { 'api-key': url }, key, timeoutMs })
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}
const echo = (key: string, name = 'a b/c', url = listening.url) =>
  withClient(key, url, (client) => client.call(endpoint, { text: 'hello' }, { params: { name } }))

test('a call names its service by its key, and parameters survive any characters', async () => {
  expect(await echo(keysOf('executor').own)).toEqual({ text: 'a b/c: hello', caller: 'executor' })
  expect((await echo(keysOf('api-key').own)).caller).toBe('operator')
})

test('003.06 a missing or wrong X-Internal-Key is answered 403 with the seed’s words, and is counted', async () => {
  for (const headers of [{}, { 'x-internal-key': 'wrong' }] as Record<string, string>[]) {
    const answer = await fetch(`${listening.url}/internal/echo/x`, { method: 'POST', headers })
    expect([answer.status, ((await answer.json()) as { detail: string }).detail]).toEqual([
      403,
      'Invalid or missing X-Internal-Key header',
    ])
  }
  expect(unauthorized).toEqual(['/internal/echo/{name}', '/internal/echo/{name}'])
})

test('003.06 an address that tried many wrong keys is answered slowly, and still served at once with a right one', async () => {
  const held: (() => void)[] = []
  const app = createInternalApp({
    log: createLog('test', 'silent'),
    metrics: createMetrics(),
    keys: keysOf('api-key'),
    ready: async () => {},
    routes: [internalRoute(endpoint, async ({ request, caller }) => ({ text: request.text, caller }))],
    refusalDelay: createRefusalDelay({
      sleep: () => new Promise<void>((resolve) => held.push(resolve)),
    }),
  })
  const slowed = await listen(app, '127.0.0.1', 0)
  const guess = () =>
    fetch(`${slowed.url}/internal/echo/x`, { method: 'POST', headers: { 'x-internal-key': 'wrong' } })
  try {
    for (let i = 0; i < 10; i++) expect((await guess()).status).toBe(403)
    let answered = false
    const eleventh = guess().then((answer) => {
      answered = true
      return answer.status
    })
    while (held.length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect((await echo(keysOf('executor').own, 'x', slowed.url)).caller).toBe('executor')
    expect(answered).toBe(false)
    held[0]?.()
    expect(await eleventh).toBe(403)
  } finally {
    await slowed.close()
  }
})

test('a service that the access table does not name is refused', async () => {
  const answer = await fetch(`${listening.url}/internal/echo/x`, {
    method: 'POST',
    headers: { 'x-internal-key': environment.INTERNAL_KEY_CONSOLE, 'content-type': 'application/json' },
    body: '{"text":"a"}',
  })
  expect(answer.status).toBe(403)
})

test('the peer’s refusal reaches the caller as the same error, its own failure as service_unavailable', async () => {
  const { own } = keysOf('executor')
  await expect(echo(own, 'missing')).rejects.toMatchObject({
    code: 'not_found',
    message: 'There is no such name.',
  })
  await expect(echo(own, 'broken')).rejects.toMatchObject({ code: 'service_unavailable' })
  // What a vault behind the peer failed with is not the peer's own failure.
  await expect(echo(own, 'sealed')).rejects.toMatchObject({
    code: 'vault_sealed',
    message: 'The vault is sealed.',
  })
})

test('a refused key is our own fault, not the end user’s: internal_error', async () => {
  await expect(echo('some-other-key-0123456789')).rejects.toMatchObject({ code: 'internal_error' })
})

test('a peer that is down, silent or not ours is service_unavailable, within the time limit', async () => {
  const silent = await startServer(() => {})
  const html = await startServer((_request, response) => response.writeHead(502).end('<html>'))
  const dripping = await startServer((_request, response) => {
    const drip = setInterval(() => response.write(' '), 20)
    response.on('close', () => clearInterval(drip))
  })
  try {
    const call = (url: string) =>
      withClient(
        'k'.repeat(16),
        url,
        (client) => client.call(endpoint, { text: 'a' }, { params: { name: 'x' } }),
        200,
      )
    for (const url of ['http://127.0.0.1:1', silent.url, dripping.url, html.url])
      await expect(call(url)).rejects.toMatchObject({ code: 'service_unavailable', retryAfterSeconds: 2 })
  } finally {
    silent.close()
    html.close()
    dripping.close()
  }
})

test.each([
  ['no JSON', 200, 'x canary-91c2'],
  ['JSON of another shape', 200, '{"text":"canary-91c2"}'],
  ['a problem that is null', 500, 'null'],
  ['a problem whose code is a name of a prototype', 400, '{"code":"constructor","detail":"canary-91c2"}'],
])(
  'a peer that answers %s is a failure of ours, which quotes nothing of the answer',
  async (_, status, text) => {
    const peer = await startServer((_request, response) => response.writeHead(status).end(text))
    try {
      const error = await echo('k'.repeat(16), 'x', peer.url).then(
        () => undefined,
        (thrown: AppError) => thrown,
      )
      expect(error?.status).toBe(status === 400 ? 500 : 503)
      expect(inspect(error, { depth: 10 })).not.toContain('canary')
    } finally {
      peer.close()
    }
  },
)

async function startServer(handle: RequestListener): Promise<{ url: string; close(): void }> {
  const server = createServer(handle).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

test('health is told without a key: alive always, ready only with its dependencies', async () => {
  const status = async (path: string) => (await fetch(listening.url + path)).status
  expect([await status('/healthz'), await status('/readyz')]).toEqual([200, 200])
  ready = false
  expect([await status('/healthz'), await status('/readyz')]).toEqual([200, 503])
  ready = true
})

test('metrics count requests by route pattern, never by raw path', async () => {
  await fetch(`${listening.url}/internal/echo/some-host-name`, { method: 'POST' })
  const text = await (await fetch(`${listening.url}/metrics`)).text()
  expect(text).toContain('route="/internal/echo/{name}"')
  expect(text).not.toContain('some-host-name')
})
