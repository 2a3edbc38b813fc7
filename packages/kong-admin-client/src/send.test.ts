import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from '@jest/globals'
import { createKongAdminClient, type KongAdminClientOptions, KongAdminError } from './index.ts'

const opened: { stop(): Promise<unknown> }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.stop()
})

/** A server that misbehaves as `answer` says, and a client whose waits take no time. */
async function against(answer: RequestListener, options: Partial<KongAdminClientOptions> = {}) {
  const seen: IncomingMessage[] = []
  const server = createServer((request, response) => {
    seen.push(request)
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const adminUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const waits: number[] = []
  const wait = async (ms: number) => void waits.push(ms)
  const kong = createKongAdminClient({ adminUrl, timeoutMs: 5_000, wait, random: () => 1, ...options })
  const stop = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await kong.close()
  }
  opened.push({ stop })
  return { kong, seen, waits, server, adminUrl }
}

const caught = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(KongAdminError)
  return error as KongAdminError
}

for (const status of [502, 503, 504, 429]) {
  test(`${status} is tried again for GET, PUT and DELETE, with growing waits, and then unavailable`, async () => {
    const { kong, seen, waits } = await against((_request, response) =>
      response.writeHead(status).end('<html>'),
    )
    for (const call of [
      () => kong.services.get('a'),
      () => kong.services.put('a', {}),
      () => kong.services.delete('a'),
    ]) {
      seen.length = 0
      waits.length = 0
      expect(await caught(call())).toMatchObject({ kind: 'unavailable', status })
      expect([seen.length, waits]).toEqual([3, [100, 200]])
    }
  })

  test(`${status} to POST and PATCH is not tried again`, async () => {
    const { kong, seen } = await against((_request, response) => response.writeHead(status).end())
    expect((await caught(kong.services.create({ host: 'x' }))).kind).toBe('unavailable')
    expect((await caught(kong.services.patch('a', {}))).kind).toBe('unavailable')
    expect(seen).toHaveLength(2)
  })
}

test('500 is an answer of Kong and not tried again', async () => {
  const { kong, seen } = await against((_request, response) =>
    response.writeHead(500).end('{"message":"An unexpected error occurred"}'),
  )
  expect(await caught(kong.services.get('a'))).toMatchObject({ kind: 'unavailable', status: 500 })
  expect(seen).toHaveLength(1)
})

test('a connection closed without an answer is tried again for GET, PUT and DELETE, and then unreachable', async () => {
  const { kong, seen } = await against((request) => request.socket.destroy())
  for (const call of [kong.services.get('a'), kong.services.put('a', {}), kong.services.delete('a')]) {
    const error = await caught(call)
    expect([error.kind, error.status]).toEqual(['unreachable', undefined])
  }
  expect(seen).toHaveLength(9)
})

test('a connection closed without an answer is never tried again for POST and PATCH: it may have been done', async () => {
  const { kong, seen } = await against((request) => request.socket.destroy())
  expect((await caught(kong.services.create({ host: 'x' }))).kind).toBe('unreachable')
  expect((await caught(kong.services.patch('a', {}))).kind).toBe('unreachable')
  expect(seen).toHaveLength(2)
})

test('POST is tried again where no connection was made, and succeeds once Kong is there', async () => {
  const { kong: first, server, adminUrl } = await against(() => undefined)
  await first.close()
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  let waits = 0
  const kong = createKongAdminClient({
    adminUrl,
    timeoutMs: 5_000,
    wait: async () => {
      waits += 1
      if (waits < 2) return
      server.removeAllListeners('request')
      server.on('request', (_request, response) => response.writeHead(201).end('{"id":"1"}'))
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    },
  })
  opened.push({ stop: () => kong.close() })
  expect(await kong.services.create({ host: 'x' })).toEqual({ id: '1' })
  expect(waits).toBe(2)
})

test('an Admin API that is not there is unreachable after three tries, and the error tells where', async () => {
  const { server, adminUrl } = await against(() => undefined)
  await new Promise((resolve) => server.close(resolve))
  const waits: number[] = []
  const kong = createKongAdminClient({ adminUrl, timeoutMs: 5_000, wait: async (ms) => void waits.push(ms) })
  opened.push({ stop: () => kong.close() })
  const error = await caught(kong.status())
  expect(error.kind).toBe('unreachable')
  expect(error.message).toBe(`Kong's Admin API at ${adminUrl} did not answer (ECONNREFUSED)`)
  expect(waits).toHaveLength(2)
})

test('an answer that does not come, or does not end, is unreachable after timeoutMs', async () => {
  const { kong } = await against(
    (request, response) => {
      if (request.url?.startsWith('/services')) response.writeHead(200).write('{"id":')
    },
    { timeoutMs: 50, triesMax: 1 },
  )
  expect((await caught(kong.services.get('a'))).kind).toBe('unreachable')
  expect((await caught(kong.routes.get('a'))).kind).toBe('unreachable')
})

test('a page that is not JSON is unavailable, not an entity', async () => {
  const { kong } = await against((_request, response) => response.end('<html>welcome</html>'), {
    triesMax: 1,
  })
  expect(await caught(kong.services.get('a'))).toMatchObject({ kind: 'unavailable', status: 200 })
})

test('the token goes with every request and into no error', async () => {
  const token = 'canary-7f3a'
  const { kong, seen } = await against(
    (_request, response) => response.writeHead(401).end('{"message":"no"}'),
    {
      token,
    },
  )
  const error = await caught(kong.services.put('a', { host: 'x' }))
  expect(error).toMatchObject({ kind: 'refused', status: 401 })
  expect(seen[0]?.headers['kong-admin-token']).toBe(token)
  expect(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain(token)
})

test('paging stays on the Admin API, wherever `next` points, and ends when it goes in a circle', async () => {
  const { kong, seen } = await against((_request, response) =>
    response.end('{"data":[{"id":"1"}],"next":"http://evil.test/steal?offset=x"}'),
  )
  const walk = async () => {
    for await (const _service of kong.services.list()) seen.length
  }
  expect((await caught(walk())).kind).toBe('unavailable')
  expect(seen.map(({ url }) => url)).toEqual(['/services?size=1000', '/services?offset=x&size=1000'])
})

test('a path in the address is a prefix of every request', async () => {
  const { adminUrl, seen } = await against((_request, response) => response.end('{"version":"3.9.1"}'))
  const kong = createKongAdminClient({ adminUrl: `${adminUrl}/kong/admin/`, timeoutMs: 5_000 })
  opened.push({ stop: () => kong.close() })
  await kong.info()
  expect(seen[0]?.url).toBe('/kong/admin/')
})
