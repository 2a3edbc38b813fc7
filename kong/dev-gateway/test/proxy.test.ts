import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from '@jest/globals'
import { sendRaw } from './send-step.ts'
import { startTestGateway, startUpstream, type TestGateway } from './start-test-gateway.ts'

const opened: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.stop()
})
const gatewayFor = async (...options: Parameters<typeof startTestGateway>) => {
  const gateway = await startTestGateway(...options)
  opened.push(gateway)
  return gateway
}
const upstreamOf = async (...answer: Parameters<typeof startUpstream>) => {
  const upstream = await startUpstream(...answer)
  opened.push(upstream)
  return upstream
}
const ok = (_request: IncomingMessage, response: ServerResponse) => response.end('ok')

const chunk = Buffer.alloc(64 * 1024, 'x')
const chunkCount = 1024

/** Enough traffic for 64 MB to pass many times over, if anything let it. */
async function passTime(gateway: TestGateway): Promise<void> {
  for (let i = 0; i < 200; i += 1) await (await fetch(`${gateway.proxyUrl}/ping`)).text()
}

test('a download goes at the pace of the client, and arrives whole', async () => {
  let written = 0
  const big = await upstreamOf(async (_request, response) => {
    for (; written < chunkCount; written += 1) if (!response.write(chunk)) await once(response, 'drain')
    response.end()
  })
  const gateway = await gatewayFor()
  await gateway.publish('big', big.url)
  await gateway.publish('ping', (await upstreamOf(ok)).url)
  const outgoing = httpRequest(`${gateway.proxyUrl}/big`).end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  await passTime(gateway)
  expect(written).toBeLessThan(chunkCount)
  let length = 0
  for await (const part of response) length += (part as Buffer).length
  expect(length).toBe(chunk.length * chunkCount)
})

test('an upload goes at the pace of the upstream, and arrives whole', async () => {
  const read = Promise.withResolvers<void>()
  const slow = await upstreamOf(async (request, response) => {
    await read.promise
    let length = 0
    for await (const part of request) length += (part as Buffer).length
    response.end(String(length))
  })
  const gateway = await gatewayFor()
  await gateway.publish('slow', slow.url)
  await gateway.publish('ping', (await upstreamOf(ok)).url)
  const outgoing = httpRequest(`${gateway.proxyUrl}/slow`, { method: 'POST' })
  let written = 0
  const writing = (async () => {
    for (; written < chunkCount; written += 1) if (!outgoing.write(chunk)) await once(outgoing, 'drain')
    outgoing.end()
  })()
  await passTime(gateway)
  expect(written).toBeLessThan(chunkCount)
  read.resolve()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  await writing
  expect(await text(response)).toBe(String(chunk.length * chunkCount))
})

test('a client that goes away ends the request to the upstream', async () => {
  const reached = Promise.withResolvers<IncomingMessage>()
  const upstream = await upstreamOf((request) => reached.resolve(request))
  const gateway = await gatewayFor()
  await gateway.publish('hang', upstream.url)
  const outgoing = httpRequest(`${gateway.proxyUrl}/hang`).end()
  outgoing.on('error', () => undefined)
  const { socket } = await reached.promise
  const closed = once(socket, 'close')
  outgoing.destroy()
  await closed
})

test('an answer that the upstream cuts short is cut for the client too, never passed off as whole', async () => {
  const upstream = await upstreamOf((_request, response) => {
    response.write('half')
    setImmediate(() => response.destroy())
  })
  const gateway = await gatewayFor()
  await gateway.publish('cut', upstream.url)
  await expect(fetch(`${gateway.proxyUrl}/cut`).then((answer) => answer.text())).rejects.toThrow()
})

test('an upstream that stops taking the body is given up after read_timeout with 504', async () => {
  const upstream = await upstreamOf(() => undefined)
  const gateway = await gatewayFor()
  await gateway.publish('full', upstream.url, { service: { read_timeout: 100 } })
  const answer = await fetch(`${gateway.proxyUrl}/full`, { method: 'POST', body: Buffer.alloc(64 * 2 ** 20) })
  expect(answer.status).toBe(504)
  expect(await answer.text()).toContain('The upstream server is timing out')
})

test('an upstream that falls silent in the middle of an answer is cut off after read_timeout', async () => {
  const upstream = await upstreamOf((_request, response) => void response.write('half'))
  const gateway = await gatewayFor()
  await gateway.publish('mute', upstream.url, { service: { read_timeout: 100 } })
  await expect(fetch(`${gateway.proxyUrl}/mute`).then((answer) => answer.text())).rejects.toThrow()
})

test('a refused connection is tried on the next target, with the body whole', async () => {
  const upstream = await upstreamOf(async (request, response) => void response.end(await text(request)))
  const dead = await startUpstream(ok)
  await dead.stop()
  const gateway = await gatewayFor()
  await gateway.admin('PUT', '/upstreams/pool', {})
  for (const { url } of [dead, upstream]) {
    await gateway.admin('POST', '/upstreams/pool/targets', { target: new URL(url).host })
  }
  await gateway.publish('pool', 'http://pool')
  for (let i = 0; i < 4; i += 1) {
    const answer = await fetch(`${gateway.proxyUrl}/pool`, { method: 'POST', body: `body ${i}` })
    expect([answer.status, await answer.text()]).toEqual([200, `body ${i}`])
  }
  expect(upstream.seen).toHaveLength(4)
})

test('a request that reached the upstream is never sent again', async () => {
  const upstream = await upstreamOf((request) => request.socket.destroy())
  const gateway = await gatewayFor()
  await gateway.publish('rude', upstream.url, { service: { retries: 5 } })
  const answer = await fetch(`${gateway.proxyUrl}/rude`, { method: 'POST', body: 'once' })
  expect([answer.status, upstream.seen.length]).toEqual([502, 1])
})

test('a connection that is not made within connect_timeout is tried retries times more, and then 504', async () => {
  const sockets: Socket[] = []
  // Takes the connection, but never shakes hands for TLS.
  const mute = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined))
  })
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
  opened.push({ stop: () => new Promise((resolve) => mute.close(() => resolve())) })
  const gateway = await gatewayFor()
  const url = `https://127.0.0.1:${(mute.address() as AddressInfo).port}`
  await gateway.publish('mute', url, { service: { connect_timeout: 50, retries: 2 } })
  const answer = await fetch(`${gateway.proxyUrl}/mute`, { method: 'POST', body: 'x' })
  for (const socket of sockets) socket.destroy()
  expect([answer.status, sockets.length]).toEqual([504, 3])
})

test('targets of an upstream take turns, one of weight 0 gets none', async () => {
  const [one, two, none] = [await upstreamOf(ok), await upstreamOf(ok), await upstreamOf(ok)]
  const gateway = await gatewayFor()
  await gateway.admin('PUT', '/upstreams/pool', {})
  await gateway.admin('POST', '/upstreams/pool/targets', { target: new URL(one.url).host })
  await gateway.admin('POST', '/upstreams/pool/targets', { target: new URL(two.url).host })
  await gateway.admin('POST', '/upstreams/pool/targets', { target: new URL(none.url).host, weight: 0 })
  await gateway.publish('pool', 'http://pool')
  for (let i = 0; i < 8; i += 1) await fetch(`${gateway.proxyUrl}/pool`)
  expect([one, two, none].map(({ seen }) => seen.length)).toEqual([4, 4, 0])
})

test('a host that has no address answers 503 name resolution failed', async () => {
  const gateway = await gatewayFor()
  // A label of 64 characters cannot be asked for, so no DNS server hears of it.
  await gateway.publish('dns', `http://${'a'.repeat(64)}.test`)
  const answer = await fetch(`${gateway.proxyUrl}/dns`)
  expect([answer.status, await answer.json()]).toMatchObject([503, { message: 'name resolution failed' }])
})

test('traceparent and tracestate reach the upstream untouched', async () => {
  const upstream = await upstreamOf(ok)
  const gateway = await gatewayFor()
  await gateway.publish('trace', upstream.url)
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  await fetch(`${gateway.proxyUrl}/trace`, { headers: { traceparent, tracestate: 'a=1' } })
  expect(upstream.seen[0]?.headers).toMatchObject({ traceparent, tracestate: 'a=1' })
})

test('a change is live for the next request: created, moved, disabled, deleted', async () => {
  const gateway = await gatewayFor()
  const upstream = await upstreamOf((request, response) => response.end(request.url))
  const get = async () => {
    const answer = await fetch(`${gateway.proxyUrl}/live/x`)
    return answer.ok ? answer.text() : answer.status
  }
  expect(await get()).toBe(404)
  await gateway.publish('live', upstream.url)
  expect(await get()).toBe('/x')
  await gateway.admin('PATCH', '/services/live', { path: '/v2' })
  expect(await get()).toBe('/v2/x')
  await gateway.admin('PATCH', '/services/live', { enabled: false })
  expect(await get()).toBe(404)
  await gateway.admin('PATCH', '/services/live', { enabled: true })
  expect(await get()).toBe('/v2/x')
  await gateway.admin('DELETE', '/routes/live')
  expect(await get()).toBe(404)
})

test('stop waits for requests in flight only so long', async () => {
  const upstream = await upstreamOf(() => undefined)
  const gateway = await startTestGateway({ drainMsMax: 50 })
  await gateway.publish('hang', upstream.url)
  const outgoing = httpRequest(`${gateway.proxyUrl}/hang`).end()
  const cut = once(outgoing, 'response').catch((error: Error) => error)
  while (upstream.seen.length === 0) await (await fetch(`${gateway.adminUrl}/status`)).text()
  await gateway.stop()
  expect(await cut).toMatchObject({ code: 'ECONNRESET' })
})

test('what the upstream says about the connection stays with it, what it says to the client goes on', async () => {
  const upstream = await upstreamOf((_request, response) => {
    response.writeHead(200, [
      ...['Connection', 'x-private, keep-alive', 'X-Private', '1', 'Keep-Alive', 'timeout=9'],
      ...['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Server', 'mine', 'Via', '1.1 inner'],
    ])
    response.end()
  })
  const gateway = await gatewayFor()
  await gateway.publish('head', upstream.url)
  const { headers } = await fetch(`${gateway.proxyUrl}/head`)
  expect(headers.get('x-private')).toBeNull()
  expect(headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  expect(headers.get('server')).toBe('mine')
  expect(headers.get('via')).toBe('1.1 inner, 1.1 kong/3.9.1')
})

const smuggled = {
  'a length and a chunked body': 'Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX',
  'two lengths': 'Content-Length: 1\r\nContent-Length: 2\r\n\r\nab',
  'a signed length': 'Content-Length: +1\r\n\r\na',
  'chunked that is not last': 'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
  'a space before the colon': 'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n',
  'a folded header': 'X-A: 1\r\n Content-Length: 5\r\n\r\nhello',
  'a bare carriage return': 'X-A: 1\rContent-Length: 5\r\n\r\nhello',
  'a chunk size that is no number': 'Transfer-Encoding: chunked\r\n\r\n1;\nzz\r\n\r\n',
}
for (const [trick, tail] of Object.entries(smuggled)) {
  test(`a request that two servers could read differently is refused: ${trick}`, async () => {
    const upstream = await upstreamOf((request, response) => {
      request.on('error', () => undefined).resume()
      request.on('end', () => response.end('read'))
    })
    const gateway = await gatewayFor()
    await gateway.publish('s', upstream.url)
    const head = 'POST /s HTTP/1.1\r\nHost: a\r\n'
    const hidden = 'GET /s/hidden HTTP/1.1\r\nHost: a\r\n\r\n'
    const { port } = new URL(gateway.proxyUrl)
    const answer = await sendRaw(Number(port), Buffer.from(head + tail + hidden)).catch(() => undefined)
    expect([undefined, 400, 501, 502]).toContain(answer?.status)
    expect(upstream.seen.filter(({ url }) => url?.includes('hidden'))).toEqual([])
  })
}

test('a client that does not finish its request head is answered 408 and dropped', async () => {
  const gateway = await gatewayFor({ headersTimeoutMs: 100 })
  const answer = await sendRaw(
    Number(new URL(gateway.proxyUrl).port),
    Buffer.from('GET / HTTP/1.1\r\nHost: '),
  )
  expect(answer.status).toBe(408)
})

/** Small, fast, seeded: the same bytes on every run. */
function randomBytes(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  }
}

test('no input ends the process: mangled requests to both listeners, and both still answer', async () => {
  const upstream = await upstreamOf(ok)
  const gateway = await gatewayFor()
  await gateway.publish('s', upstream.url)
  const request =
    'POST /s/%41?q HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
  for (let seed = 1; seed <= 300; seed += 1) {
    const next = randomBytes(seed)
    const bytes = Buffer.from(request)
    for (let i = 0; i < 1 + (seed % 8); i += 1) bytes[next() % bytes.length] = next()
    const { port } = new URL(seed % 2 === 0 ? gateway.proxyUrl : gateway.adminUrl)
    const socket = connect(Number(port), '127.0.0.1')
    socket.on('error', () => undefined)
    socket.end(bytes)
    socket.resume()
    await once(socket, 'close')
  }
  expect((await fetch(`${gateway.proxyUrl}/s`)).status).toBe(200)
  expect((await fetch(`${gateway.adminUrl}/services/s`)).status).toBe(200)
})
