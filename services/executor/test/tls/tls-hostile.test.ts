import { Duplex } from 'node:stream'
import { afterAll, expect, test } from '@jest/globals'
import { OutboundPolicy } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { createReach, openTls } from '@opsconductor/reach'
import { makeCertificate, makeChain } from '../../../../packages/x509/test/make-certificate.ts'
import type { StepTools } from '../../src/step-types/define-step-type.ts'
import { tlsCheck } from '../../src/step-types/tls-check.ts'
import { trustOf } from '../support/step-trust.ts'
import { shown, startTcp, startTls, stopServers } from './tls-servers.ts'

afterAll(stopServers)

const { leaf, intermediate } = makeChain()

async function check(port: number, { open = true, signal = AbortSignal.timeout(20_000) } = {}) {
  const reach = createReach({
    projectId: 'p',
    policy: OutboundPolicy.parse({ allow: open ? [{ cidr: '127.0.0.1', ports: [port] }] : [] }),
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    limitsHosts: [],
  })
  const tools = { clientCertificate: undefined, reach, trust: trustOf(), signal } as unknown as StepTools
  const input = tlsCheck.input.parse({ host: 'www.example.com', port })
  return (await tlsCheck.run(input as never, tools)) as ReturnType<typeof JSON.parse>
}

test.each<[string, () => Promise<number>, string]>([
  [
    'closes at once',
    () => startTcp((socket) => socket.destroy()),
    'the connection was closed during the TLS handshake',
  ],
  [
    'ends politely at once',
    () => startTcp((socket) => socket.end()),
    'the connection was closed during the TLS handshake',
  ],
  [
    'answers HTTP',
    () => startTcp((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    'it does not speak TLS',
  ],
  [
    'answers an SSH banner',
    () => startTcp((socket) => void socket.write('SSH-2.0-OpenSSH_9.2\r\n')),
    'it does not speak TLS',
  ],
  [
    'answers zeros without end',
    () => startTcp((socket) => void socket.write(Buffer.alloc(1_000_000))),
    'it does not speak TLS',
  ],
  [
    'speaks TLS 1.1 only',
    () =>
      startTls({
        ...shown(leaf, intermediate),
        minVersion: 'TLSv1.1',
        maxVersion: 'TLSv1.1',
        ciphers: 'DEFAULT:@SECLEVEL=0',
      }),
    'it does not speak TLS 1.2 or 1.3',
  ],
  [
    'asks for a certificate by TLS 1.2 and gets none',
    () => startTls({ ...shown(leaf), maxVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: true }),
    'it refused the TLS handshake; it may ask for a client certificate',
  ],
  [
    'sends certificates of more than 100 KB',
    () =>
      startTls(
        shown(leaf, ...Array.from({ length: 300 }, (_, i) => makeCertificate(`surplus ${i}`, { ca: true }))),
      ),
    'its certificates are larger than 100 KB',
  ],
])('a server that %s is a clear error', async (_, start, reason) => {
  await expect(check(await start())).rejects.toMatchObject({
    code: 'target_unreachable',
    message: `The target could not be reached: ${reason}.`,
  })
})

test('a port where nobody listens is refused; one that the policy does not open is not asked', async () => {
  const port = await startTcp((socket) => socket.destroy())
  await expect(check(port, { open: false })).rejects.toMatchObject({ code: 'outbound_denied' })
  await stopServers()
  await expect(check(port)).rejects.toMatchObject({
    code: 'target_unreachable',
    message: expect.stringContaining('refused'),
  })
})

test.each<[string, (socket: import('node:net').Socket) => void]>([
  ['after the connection', () => {}],
  [
    'after the first bytes',
    (socket) => void socket.once('data', () => socket.write(Buffer.from([22, 3, 3]))),
  ],
])('a server that falls silent %s ends with the step, and its connection is closed', async (_, behave) => {
  let closed = () => {}
  const over = new Promise<void>((resolve) => (closed = resolve))
  const cancelled = new AbortController()
  const port = await startTcp((socket) => {
    socket.on('close', closed)
    behave(socket)
    socket.once('data', () => setImmediate(() => cancelled.abort(new AppError('step_timeout', 'too long'))))
  })
  await expect(check(port, { signal: cancelled.signal })).rejects.toMatchObject({ code: 'step_timeout' })
  await over
})

test('of a long chain ten certificates are told, and of many names a hundred', async () => {
  const links = [makeCertificate('link 0', { ca: true })]
  for (let i = 1; i < 15; i++)
    links.unshift(makeCertificate(`link ${i}`, { ca: true, issuer: links[0] as never }))
  const dns = Array.from({ length: 300 }, (_, i) => `n${i}.example.com`)
  const last = makeCertificate('leaf', { issuer: links[0] as never, dns })
  const { chain, chain_valid } = await check(await startTls(shown(last, ...links)))
  expect([chain.length, chain[0].names.length, chain_valid]).toEqual([10, 100, false])
})

test.each([
  { host: 'https://www.example.com' },
  { host: 'www.example.com:443' },
  { host: '' },
  { host: 'a\r\nb' },
  { host: 'x'.repeat(300) },
  { port: 0 },
  { port: 65_536 },
  { port: '443' },
  { servername: '*.example.com' },
  { servername: 'a\0b' },
  { expect: { days_left_min: -1 } },
  { expect: { serial: 'xyz' } },
  { expect: { protocol_min: 'SSLv3' } },
  { verify: false },
])('the input %j is refused', (input) => {
  expect(tlsCheck.input.safeParse({ host: 'www.example.com', ...input }).success).toBe(false)
})

test('a connection through a bastion that goes without a word ends the handshake', async () => {
  const gone = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  const reach = { connect: async () => gone } as unknown as StepTools['reach']
  setImmediate(() => setImmediate(() => gone.destroy()))
  const target = { host: 'www.example.com', port: 443, servername: 'www.example.com' }
  const tools = { clientCertificate: undefined, reach, signal: AbortSignal.timeout(4_000) }
  await expect(openTls(target, tools, { bundles: [], withPublic: true })).rejects.toMatchObject({
    code: 'target_unreachable',
    message: expect.stringContaining('closed during the TLS handshake'),
  })
})
