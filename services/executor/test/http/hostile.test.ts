import { createServer, type Server, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { stepTypes } from '../../src/step-types/index.ts'
import { createStepRunner, opened, type RunOptions } from './step-runner.ts'

/** Speaks no HTTP of its own: what it says is each test's. */
let server: Server
let port: number
let answer: (socket: Socket) => void = () => {}
const sockets = new Set<Socket>()
let connections = 0
let runner: ReturnType<typeof createStepRunner>

beforeAll(async () => {
  server = createServer((socket) => {
    connections++
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    answer(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as { port: number }).port
  runner = createStepRunner({ policy: opened(port) })
})
afterAll(async () => {
  await runner?.close()
  for (const socket of sockets) socket.destroy()
  server?.close()
})

const url = (path = '/') => `http://127.0.0.1:${port}${path}`
/** Waits for the request, as servers do. */
const says =
  (...pieces: (string | Buffer)[]) =>
  (socket: Socket) =>
    socket.once('data', () => {
      for (const piece of pieces) socket.write(piece)
    })
const ok = (headers: string, body: string | Buffer = '') =>
  says(`HTTP/1.1 200 OK\r\nConnection: close\r\n${headers}\r\n\r\n`, body, '')
const sized = (headers: string, body: string | Buffer) =>
  ok([`Content-Length: ${Buffer.byteLength(body)}`, ...(headers === '' ? [] : [headers])].join('\r\n'), body)
const endless = (head: string, piece: string) => (socket: Socket) =>
  socket.once('data', () => {
    socket.write(head)
    const more = () => {
      while (!socket.destroyed && socket.write(piece));
    }
    socket.on('drain', more)
    more()
  })
const drip = (head: string, piece: string) => (socket: Socket) =>
  socket.once('data', () => {
    socket.write(head)
    const timer = setInterval(() => socket.write(piece), 20)
    socket.on('close', () => clearInterval(timer))
  })

const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024))
const laughs =
  '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><l>&b;&b;&b;&b;&b;&b;&b;</l>'
const dripping = { timeoutMs: 400 }

test.each<[string, (socket: Socket) => void, string, Record<string, unknown>?, RunOptions?]>([
  ['takes the connection and says nothing', () => {}, 'step_timeout', { timeouts: { headers_ms: 300 } }],
  ['takes the connection and hangs up', (s) => s.destroy(), 'target_unreachable'],
  ['hangs up after the request', says(), 'step_timeout', {}, dripping],
  ['drips its headers', drip('HTTP/1.1 200 OK\r\n', 'x: y\r\n'), 'step_timeout', {}, dripping],
  ['drips its body', drip('HTTP/1.1 200 OK\r\n\r\n', 'x'), 'step_timeout', { timeouts: { body_ms: 300 } }],
  [
    'sends interim answers for ever',
    drip('', 'HTTP/1.1 102 Processing\r\n\r\n'),
    'step_timeout',
    {},
    dripping,
  ],
  [
    'sends headers for ever',
    endless('HTTP/1.1 200 OK\r\n', `x: ${'y'.repeat(1000)}\r\n`),
    'target_answer_too_large',
  ],
  [
    'sends one header for ever',
    endless('HTTP/1.1 200 OK\r\nx: ', 'y'.repeat(10_000)),
    'target_answer_too_large',
  ],
  [
    'sends a body for ever',
    endless('HTTP/1.1 200 OK\r\n\r\n', 'z'.repeat(60_000)),
    'target_answer_too_large',
  ],
  [
    'sends chunks for ever',
    endless('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', '4\r\nabcd\r\n'.repeat(5000)),
    'target_answer_too_large',
  ],
  [
    'announces more than may be',
    ok('Content-Length: 999999999', 'x'.repeat(2_000_000)),
    'target_answer_too_large',
  ],
  [
    'hangs up in its body',
    (s) => s.once('data', () => s.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab')),
    'target_unreachable',
  ],
  ['says two lengths', ok('Content-Length: 1\r\nContent-Length: 2', 'ab'), 'target_unreachable'],
  [
    'says a length and chunks',
    ok('Content-Length: 5\r\nTransfer-Encoding: chunked', '0\r\n\r\n'),
    'target_unreachable',
  ],
  [
    'says a chunk size that is none',
    ok('Transfer-Encoding: chunked', 'zz\r\nab\r\n0\r\n\r\n'),
    'target_unreachable',
  ],
  [
    'says a chunk size beyond counting',
    ok('Transfer-Encoding: chunked', 'fffffffffffffffff\r\n'),
    'target_unreachable',
  ],
  ['folds its headers', ok('x: a\r\n b'), 'target_unreachable'],
  ['writes NUL into a header', ok('x: a\0b'), 'target_unreachable'],
  ['speaks another protocol', (s) => s.write('SSH-2.0-OpenSSH_9.2\r\n'), 'target_unreachable'],
  ['speaks HTTP/2', says('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), 'target_unreachable'],
  [
    'switches protocols unasked',
    says('HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
    'target_unreachable',
  ],
  ['answers status 999999', says('HTTP/1.1 999999 X\r\n\r\n'), 'target_unreachable'],
  [
    'answers twice',
    (s) =>
      says('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb')(s),
    'ok',
  ],
  ['says JSON and sends none', sized('Content-Type: application/json', '<html>'), 'step_failed'],
  [
    'sends JSON that nests too deeply',
    sized('Content-Type: application/json', `${'['.repeat(100_000)}${']'.repeat(100_000)}`),
    'target_answer_too_large',
  ],
  ['sends a gzip bomb', sized('Content-Encoding: gzip', bomb), 'target_answer_too_large'],
  ['sends a gzip bomb within one', sized('Content-Encoding: gzip, gzip', gzipSync(bomb)), 'step_failed'],
  ['says gzip and sends none', sized('Content-Encoding: gzip', 'hello'), 'step_failed'],
  [
    'cuts its gzip',
    sized('Content-Encoding: gzip', gzipSync('hello'.repeat(100)).subarray(0, 20)),
    'step_failed',
  ],
  ['says brotli and sends none', sized('Content-Encoding: br', 'hello'), 'step_failed'],
  ['encodes in a way of its own', sized('Content-Encoding: constructor', 'x'), 'step_failed'],
  ['sends a billion laughs', sized('Content-Type: text/xml', laughs), 'step_failed'],
  ['sends XML that nests too deeply', sized('Content-Type: text/xml', '<a>'.repeat(9_000)), 'step_failed'],
  [
    'is down with a page larger than may be',
    says(`HTTP/1.1 503 Down\r\nConnection: close\r\nContent-Length: 200000\r\n\r\n`, 'x'.repeat(200_000)),
    'target_failed',
    { body_bytes_max: 10 },
  ],
  [
    'is down with a body that cannot be decompressed',
    says(
      'HTTP/1.1 503 Down\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello',
    ),
    'target_failed',
  ],
  [
    'is down and hangs up in its body',
    (s) =>
      s.once('data', () => s.end('HTTP/1.1 503 Down\r\nConnection: close\r\nContent-Length: 10\r\n\r\nab')),
    'target_failed',
  ],
  [
    'is down and drips',
    drip('HTTP/1.1 503 Down\r\n\r\n', 'x'),
    'step_timeout',
    { timeouts: { body_ms: 300 } },
  ],
  ['names a character set that is none', sized('Content-Type: text/plain; charset=../../x', 'ok'), 'ok'],
  ['sets cookies', sized('Set-Cookie: a=b\r\nSet-Cookie: c=d', 'x'), 'ok'],
  ['names a header __proto__', sized('__proto__: polluted', 'x'), 'ok'],
])('a target that %s', async (_, how, code, input = {}, options = {}) => {
  answer = how
  const settled = await runner
    .run('http.get', { url: url(), ...input }, { timeoutMs: 5_000, ...options })
    .then(() => ({ code: 'ok' }))
    .catch((error: unknown) => error as { code?: string; name: string })
  const timedOut = 'name' in settled && settled.name === 'TimeoutError'
  expect(timedOut ? 'step_timeout' : settled.code).toBe(code)
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
})

test('a step that is over leaves no connection that goes on', async () => {
  const closed = new Promise((resolve) => {
    answer = (socket) => {
      socket.once('close', resolve)
      endless('HTTP/1.1 200 OK\r\n\r\n', 'z'.repeat(60_000))(socket)
    }
  })
  await runner.failure('http.get', { url: url(), body_bytes_max: 10 })
  await closed
})

test.each<[string, Record<string, unknown>]>([
  ['a line end in a header', { headers: { a: 'b\r\nc: d' } }],
  ['a line end in a header’s name', { headers: { 'a\r\nb': 'c' } }],
  ['NUL in a header', { headers: { a: 'b\0' } }],
  ['a character beyond Latin-1 in a header', { headers: { a: '嘊嘍x: y' } }],
  ['a header of the connection', { headers: { 'Transfer-Encoding': 'chunked' } }],
  ['another Host', { headers: { HOST: 'evil.example' } }],
  ['a login for a proxy', { headers: { 'Proxy-Authorization': 'x' } }],
  ['credentials in the URL', { url: 'http://u:p@127.0.0.1/' }],
  ['a file', { url: 'file:///etc/passwd' }],
  ['gopher', { url: 'gopher://127.0.0.1:6379/_FLUSHALL' }],
  ['data', { url: 'data:text/plain,hi' }],
  ['no URL', { url: '//127.0.0.1/' }],
  ['a URL beyond measure', { url: `http://x/${'a'.repeat(9_000)}` }],
  ['a port beyond measure', { url: 'http://127.0.0.1:65536/' }],
  ['a list for a URL', { url: ['http://127.0.0.1/'] }],
  ['a proxy that is no HTTP', { proxy: 'socks5://127.0.0.1:1080' }],
  ['a proxy with credentials', { proxy: 'http://u:p@127.0.0.1/' }],
  ['a status that is none', { expect_status: [99] }],
  ['a JSONPath that is none', { expect: ['$['] }],
  ['a hundred redirects', { redirects_max: 100 }],
  ['a gigabyte', { body_bytes_max: 1e9 }],
  ['a timeout of days', { timeouts: { body_ms: 1e9 } }],
  ['attempts without end', { retry: { max_attempts: 1e6 } }],
  ['TLS 1.1', { tls: { min_version: '1.1' } }],
  ['a name of its own', { __proto_: 1 }],
])('an input with %s is refused by its schema', (_, input) => {
  expect(stepTypes.get('http.get')?.input.safeParse({ url: url(), ...input }).success).toBe(false)
})

test.each<[string, string]>([
  ['its address', 'http://127.0.0.1:9/'],
  ['a name of it', 'http://localhost:9/'],
  ['a decimal number', 'http://2130706433:9/'],
  ['an octal number', 'http://0177.0.0.1:9/'],
  ['a hexadecimal number', 'http://0x7f000001:9/'],
  ['a short form', 'http://127.1:9/'],
  ['all zeroes', 'http://0:9/'],
  ['IPv6', 'http://[::1]:9/'],
  ['no address of IPv6', 'http://[::]:9/'],
  ['IPv4 in IPv6', 'http://[::ffff:127.0.0.1]:9/'],
  ['IPv4 in IPv6 in hexadecimal', 'http://[::ffff:7f00:1]:9/'],
  ['NAT64', 'http://[64:ff9b::7f00:1]:9/'],
  ['full-width digits', 'http://１２７.０.０.１:9/'],
  ['ideographic dots', 'http://127。0。0。1:9/'],
  ['circled digits', 'http://①②⑦.⓪.⓪.①:9/'],
  ['percent-encoded digits', 'http://%31%32%37.0.0.1:9/'],
  ['backslashes', 'http:\\\\127.0.0.1:9\\'],
  ['tabs and line ends', 'http://127.0.\t0.1\n:9/'],
  ['the metadata of a cloud', 'http://169.254.169.254/latest/meta-data/'],
  ['the metadata of a cloud over IPv6', 'http://[fd00:ec2::254]/'],
  ['the link', 'http://[fe80::1]/'],
  ['everybody', 'http://255.255.255.255/'],
])('000.48 a URL that means this machine by %s is denied', async (_, target) => {
  expect(await runner.failure('http.get', { url: target })).toMatchObject({ code: 'outbound_denied' })
})

test('000.48 a port that is denied is denied on the host whose other port is open', async () => {
  expect(await runner.failure('http.get', { url: 'http://127.0.0.1/' })).toMatchObject({
    code: 'outbound_denied',
  })
  expect(await runner.failure('http.get', { url: 'http://127.0.0.1:0/' })).toMatchObject({
    code: 'validation_failed',
  })
})

test('000.48 a name that changes what it resolves to (DNS rebinding) gets what was checked, each time', async () => {
  const answers = [['10.255.255.1'], ['169.254.169.254'], ['127.0.0.1'], ['169.254.169.254', '127.0.0.1']]
  const asked: string[] = []
  const resolve: RunOptions['resolve'] = async (name) => {
    asked.push(name)
    return (answers.shift() ?? []).map((address) => ({ address, family: 4 }))
  }
  const at = { url: `http://rebinding.example:${port}/` }
  answers.shift()
  answer = sized('', 'here')
  expect(await runner.failure('http.get', at, { resolve })).toMatchObject({ code: 'outbound_denied' })
  expect((await runner.run('http.get', at, { resolve })).body).toBe('here')
  // Of several addresses only those that are allowed are connected to.
  expect((await runner.run('http.get', at, { resolve })).body).toBe('here')
  expect(await runner.failure('http.get', at, { resolve })).toMatchObject({ code: 'outbound_denied' })
  expect(asked).toHaveLength(4)
})

test('cancelling ends a step at once, wherever it is', async () => {
  for (const how of [
    () => {},
    drip('HTTP/1.1 200 OK\r\n', 'x: y\r\n'),
    drip('HTTP/1.1 200 OK\r\n\r\n', 'x'),
  ]) {
    const stop = new AbortController()
    const reason = new Error('CANCELLED')
    answer = (socket) => {
      how(socket)
      socket.once('data', () => setImmediate(() => stop.abort(reason)))
    }
    expect((await runner.failure('http.get', { url: url() }, { signal: stop.signal })).error).toBe(reason)
  }
})

test('a step that is refused opens no connection', async () => {
  const before = connections
  await runner.failure('http.get', { url: url() }, { policy: { allow: [] } })
  await runner.failure('http.get', { url: url() }, { limitsHosts: [['api.example.com']] })
  expect(connections).toBe(before)
})

test('a name server that says nothing costs no more than the time for a connection', async () => {
  const failure = await runner.failure(
    'http.get',
    { url: 'http://slow.example/', timeouts: { connect_ms: 100 } },
    { resolve: () => new Promise(() => {}) },
  )
  expect(failure).toMatchObject({ code: 'step_timeout', message: expect.stringContaining('within 100 ms') })
})

test('a target that says nothing to a TLS handshake costs no more than the time for a connection', async () => {
  answer = () => {}
  const input = { url: url().replace('http:', 'https:'), timeouts: { connect_ms: 100 } }
  expect(await runner.failure('http.get', input)).toMatchObject({ code: 'step_timeout' })
  answer = (socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  expect(await runner.failure('http.get', { url: input.url })).toMatchObject({
    code: 'target_unreachable',
    message: 'The target could not be reached: it does not speak TLS.',
  })
})
