import { createServer, type Server, type ServerOptions } from 'node:https'
import { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Reach } from '@opsconductor/reach'
import { secureContextOf } from '@opsconductor/reach'
import { createTestCertificates, type TestCertificates } from '@opsconductor/test-peers'
import { sendJson, startTarget } from '../support/target-server.ts'
import { startConnectProxy } from './connect-proxy.ts'
import { createStepRunner, lent, opened } from './step-runner.ts'

let certificates: TestCertificates
let modern: Started
let old: Started
let mutual: Started
let plain: Awaited<ReturnType<typeof startTarget>>
let proxy: Awaited<ReturnType<typeof startConnectProxy>>
let runner: ReturnType<typeof createStepRunner>

interface Started {
  server: Server
  port: number
  url: string
}

async function startSecure(options: ServerOptions): Promise<Started> {
  const server = createServer({ ...certificates.server, ...options }, ({ socket, url }, response) => {
    if (url === '/down') return void response.writeHead(302, { location: plain.url }).end()
    const secure = socket as TLSSocket
    const peer = secure.getPeerCertificate()
    sendJson(response, { protocol: secure.getProtocol(), client: peer?.subject?.CN ?? null })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return { server, port, url: `https://localhost:${port}/` }
}

beforeAll(async () => {
  certificates = createTestCertificates()
  modern = await startSecure({})
  old = await startSecure({ maxVersion: 'TLSv1.2' })
  mutual = await startSecure({ requestCert: true, rejectUnauthorized: true, ca: certificates.ca })
  plain = await startTarget((received, response) => sendJson(response, received))
  proxy = await startConnectProxy()
  const ports = [modern.port, old.port, mutual.port, plain.port, proxy.port]
  runner = createStepRunner({ policy: opened(...ports), caBundles: [certificates.ca] })
}, 30_000)
afterAll(async () => {
  await runner?.close()
  for (const { server } of [modern, old, mutual]) {
    server.closeAllConnections()
    server.close()
  }
  await Promise.all([plain?.close(), proxy?.close()])
})

const policy = (more: object) => ({ ...opened(modern.port, old.port, mutual.port, proxy.port), ...more })
const x509 = (which: 'client' | 'server' = 'client') =>
  lent('x509', { private_key: certificates[which].key }, { certificate: certificates[which].cert })

test("000.06 a target is trusted by the project's CA bundle, and by nothing less", async () => {
  expect((await runner.run('http.get', { url: modern.url })).body).toEqual({
    protocol: 'TLSv1.3',
    client: null,
  })
  expect(await runner.failure('http.get', { url: modern.url }, { caBundles: [] })).toMatchObject({
    code: 'target_unreachable',
    message: 'The target could not be reached: its certificate is not trusted.',
  })
})

test('reading all authorities anew for each connection would be slow: the same settings are read once', async () => {
  const settings = { versionMin: 'TLSv1.3', verify: true, certificate: undefined } as const
  const ofAuthorities = (bundles: string[], withPublic = true) =>
    secureContextOf({ ...settings, authorities: { bundles, withPublic } })
  const context = ofAuthorities([certificates.ca])
  expect(ofAuthorities([certificates.ca])).toBe(context)
  expect(ofAuthorities([])).not.toBe(context)
  expect(ofAuthorities([certificates.ca], false)).not.toBe(context)
})

test('000.06 a certificate for another name is refused', async () => {
  const failure = await runner.failure(
    'http.get',
    { url: modern.url.replace('localhost', 'elsewhere.example') },
    { resolve: async () => [{ address: '127.0.0.1', family: 4 }] },
  )
  expect(failure).toMatchObject({
    code: 'target_unreachable',
    message: 'The target could not be reached: its certificate is for another name.',
  })
})

test('000.06 TLS 1.2 is spoken only to hosts that the policy has an exception for', async () => {
  const refused = await runner.failure('http.get', { url: old.url })
  expect(refused).toMatchObject({ code: 'target_unreachable', message: expect.stringContaining('TLS 1.3') })
  const asked = await runner.failure('http.get', { url: old.url, tls: { min_version: '1.2' } })
  expect(asked).toMatchObject({ code: 'outbound_denied', message: expect.stringContaining('tls12_hosts') })
  const exception = { policy: policy({ tls12_hosts: ['localhost'] }) }
  for (const tls of [{}, { min_version: '1.2' }])
    expect((await runner.run('http.get', { url: old.url, tls }, exception)).body.protocol).toBe('TLSv1.2')
  expect(
    await runner.failure('http.get', { url: old.url, tls: { min_version: '1.3' } }, exception),
  ).toMatchObject({ code: 'target_unreachable' })
})

test('000.06 verification is turned off only by its flag, which marks result and record', async () => {
  const input = { url: modern.url, tls: { verify: false } }
  const result = await runner.run('http.get', input, { caBundles: [] })
  expect(result).toMatchObject({ status: 200, tls_unverified: true })
  expect(runner.exchanges.at(-1)).toMatchObject({ isTlsUnverified: true })
  const verified = await runner.run('http.get', { url: modern.url })
  expect(verified).not.toHaveProperty('tls_unverified')
  expect(runner.exchanges.at(-1)).toMatchObject({ isTlsUnverified: false })
})

test('a connection that nobody verified never serves a step that verifies', async () => {
  await runner.run('http.get', { url: modern.url, tls: { verify: false } }, { caBundles: [] })
  expect(await runner.failure('http.get', { url: modern.url }, { caBundles: [] })).toMatchObject({
    code: 'target_unreachable',
  })
})

test('000.23 a target that asks who connects is shown the client certificate', async () => {
  const result = await runner.run('http.get', { url: mutual.url }, { clientCertificate: x509() })
  expect(result.body).toEqual({ protocol: 'TLSv1.3', client: 'client' })
})

test('000.23 without a client certificate, and with one that the target does not trust, the step fails', async () => {
  expect(await runner.failure('http.get', { url: mutual.url })).toMatchObject({ code: 'target_unreachable' })
  const other = createTestCertificates().client
  const stranger = lent('x509', { private_key: other.key }, { certificate: other.cert })
  expect(
    await runner.failure('http.get', { url: mutual.url }, { clientCertificate: stranger }),
  ).toMatchObject({
    code: 'target_unreachable',
  })
})

test('000.23 a connection that showed a client certificate serves only steps that show it', async () => {
  await runner.run('http.get', { url: mutual.url }, { clientCertificate: x509() })
  expect(await runner.failure('http.get', { url: mutual.url })).toMatchObject({ code: 'target_unreachable' })
})

test('000.23 a client certificate that cannot be used says so and quotes nothing', async () => {
  const key = certificates.client.key
  const broken = [
    lent('x509', { private_key: 'no key' }, { certificate: certificates.client.cert }),
    lent('x509', { private_key: key }, { certificate: 'no certificate' }),
    lent('x509', { private_key: key }, { certificate: certificates.server.cert }),
    lent('x509', { private_key: key }, {}),
  ]
  for (const clientCertificate of broken) {
    const failure = await runner.failure('http.get', { url: mutual.url }, { clientCertificate })
    expect(failure.code).toBe('step_failed')
    expect(failure.message).not.toContain(key.split('\n')[1])
  }
})

test('a redirect to another origin is not shown the client certificate', async () => {
  const leads = await startTarget((_, response) => {
    response.writeHead(302, { location: mutual.url }).end()
  })
  const failure = await runner.failure(
    'http.get',
    { url: leads.url, redirects_max: 1 },
    { clientCertificate: x509(), policy: opened(leads.port, mutual.port) },
  )
  expect(failure).toMatchObject({ code: 'target_unreachable' })
  await leads.close()
})

test('a redirect from https to http is refused', async () => {
  const before = plain.received.length
  const failure = await runner.failure('http.get', { url: `${modern.url}down`, redirects_max: 1 })
  expect(failure).toMatchObject({
    code: 'target_refused',
    message: 'The target redirected from https to http, which is not followed.',
  })
  expect(plain.received).toHaveLength(before)
})

test('a client certificate goes only to the hosts that it is limited to', async () => {
  const options = { clientCertificate: x509(), limitsHosts: [['api.example.com']] }
  expect(await runner.failure('http.get', { url: mutual.url }, options)).toMatchObject({
    code: 'outbound_denied',
  })
})

test('through a proxy: it is told the checked address, and the certificate is still held against the name', async () => {
  const result = await runner.run('http.get', { url: modern.url, proxy: proxy.url })
  expect(result.body.protocol).toBe('TLSv1.3')
  expect(proxy.asked.at(-1)).toMatch(RegExp(`^(127\\.0\\.0\\.1|\\[::1\\]):${modern.port}$`))
  const http = await runner.run('http.post', { url: plain.url, json: { a: 1 }, proxy: proxy.url })
  expect(http.body.body).toBe('{"a":1}')
  expect(proxy.asked.at(-1)).toBe(`127.0.0.1:${plain.port}`)
})

test('000.48 a proxy is a target too, and opens no target that the policy denies', async () => {
  const before = proxy.asked.length
  for (const input of [
    { url: 'http://169.254.169.254/', proxy: proxy.url },
    { url: 'http://localhost:9/', proxy: proxy.url },
    { url: plain.url, proxy: 'http://169.254.169.254:3128' },
  ])
    expect(await runner.failure('http.get', input)).toMatchObject({ code: 'outbound_denied' })
  expect(proxy.asked).toHaveLength(before)
})

test.each<[string, (socket: Duplex) => void, string]>([
  ['asks for a login', (s) => s.end('HTTP/1.1 407 Login\r\n\r\n'), 'target_refused'],
  ['refuses', (s) => s.end('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno'), 'target_refused'],
  ['cannot reach the target', (s) => s.end('HTTP/1.1 502 Bad\r\n\r\n'), 'target_unreachable'],
  ['is no proxy', (s) => s.end('SSH-2.0-OpenSSH\r\n'), 'target_unreachable'],
  ['hangs up', (s) => s.destroy(), 'target_unreachable'],
  ['says nothing', () => {}, 'step_timeout'],
  [
    'never ends its headers',
    (s) => s.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}`),
    'target_unreachable',
  ],
])('a proxy that %s fails the step', async (_, answer, code) => {
  proxy.answerWith(answer)
  const input = { url: plain.url, proxy: proxy.url, timeouts: { connect_ms: 500 } }
  const failure = await runner.failure('http.get', input)
  proxy.answerWith(undefined)
  expect([failure.code, failure.message]).toEqual([code, expect.any(String)])
})

test('000.36 a connection that is no socket, as through a bastion, carries HTTP and TLS', async () => {
  const through: Duplex[] = []
  const options = {
    clientCertificate: x509(),
    reach: (direct: Reach) => ({
      ...direct,
      key: 'bastion',
      async connect(host: string, port: number, signal: AbortSignal) {
        const channel = overDuplex(await direct.connect(host, port, signal))
        through.push(channel)
        return channel
      },
    }),
  }
  expect((await runner.run('http.get', { url: mutual.url }, options)).body.client).toBe('client')
  const echoed = await runner.run('http.post', { url: plain.url, text: 'x'.repeat(200_000) }, options)
  expect(echoed.body.body).toHaveLength(200_000)
  await runner.run('http.get', { url: plain.url, proxy: proxy.url }, options)
  expect(through).toHaveLength(3)
})

/** What an SSH channel is: nothing but a Duplex. */
function overDuplex(socket: Duplex): Duplex {
  const channel = new Duplex({
    read: () => socket.resume(),
    write: (chunk, _, done) => void socket.write(chunk, done),
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      socket.destroy()
      done(error)
    },
  })
  socket.on('data', (chunk) => channel.push(chunk) || socket.pause())
  socket.on('end', () => channel.push(null))
  socket.on('error', (error) => channel.destroy(error))
  return channel
}
