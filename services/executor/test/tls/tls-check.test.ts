import { once } from 'node:events'
import { connect } from 'node:net'
import { Duplex } from 'node:stream'
import { afterAll, expect, test } from '@jest/globals'
import { OutboundPolicy } from '@opsconductor/contracts'
import { createReach, type HeldCredential, type Reach, tryTls } from '@opsconductor/reach'
import { SecretValue } from '@opsconductor/redact'
import { keyToPem } from '../../../../packages/x509/src/index.ts'
import { type Identity, makeCertificate, makeChain } from '../../../../packages/x509/test/make-certificate.ts'
import type { StepTools } from '../../src/step-types/define-step-type.ts'
import { tlsCheck } from '../../src/step-types/tls-check.ts'
import { trustOf } from '../support/step-trust.ts'
import { pemOf, shown, startTls, stopServers } from './tls-servers.ts'

afterAll(stopServers)

const { root, intermediate, leaf } = makeChain({ dns: ['www.example.com', '*.apps.example.com'] })
const client = makeCertificate('client', { issuer: root })
const stranger = makeCertificate('stranger', { ca: true })

function toolsFor(port: number, more: Partial<StepTools> = {}): StepTools {
  const reach = createReach({
    projectId: 'p',
    policy: OutboundPolicy.parse({
      allow: [{ cidr: '127.0.0.1', ports: [port] }],
      tls12_hosts: ['old.example.com'],
    }),
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    limitsHosts: [],
  })
  const trust = trustOf([pemOf(root)])
  const tools = { clientCertificate: undefined, reach, trust, signal: AbortSignal.timeout(20_000), ...more }
  return tools as StepTools
}

const certificateOf = (identity: Identity): HeldCredential => ({
  id: 'c',
  type: 'x509',
  secret: { private_key: new SecretValue(keyToPem(identity.key)) },
  extra: { certificate: pemOf(identity) },
  http: null,
})

/** Runs the step against a port of loopback under a public name. */
async function check(port: number, input: Record<string, unknown> = {}, more: Partial<StepTools> = {}) {
  const parsed = tlsCheck.input.parse({ host: 'www.example.com', port, ...input })
  return (await tlsCheck.run(parsed as never, toolsFor(port, more))) as ReturnType<typeof JSON.parse>
}

const good = startTls(shown(leaf, intermediate))

test('what is served is told: protocol, cipher, chain without its root, names, dates, fingerprint', async () => {
  const seen = await check(await good)
  expect(seen).toMatchObject({
    protocol: 'TLSv1.3',
    cipher: expect.stringMatching(/^TLS_AES_/),
    name_matches: true,
    chain_valid: true,
    reasons: [],
    days_left: Math.floor((Date.parse('2028-01-01') - Date.now()) / 86_400_000),
  })
  expect(seen.chain).toEqual([
    {
      subject: 'O=OpsConductor, CN=leaf',
      issuer: 'O=OpsConductor, CN=Intermediate',
      names: ['www.example.com', '*.apps.example.com'],
      serial: leaf.certificate.x509.serialNumber,
      not_before: '2026-01-01T00:00:00.000Z',
      not_after: '2028-01-01T00:00:00.000Z',
      fingerprint_sha256: leaf.certificate.fingerprint,
      is_ca: false,
    },
    expect.objectContaining({ subject: 'O=OpsConductor, CN=Intermediate', is_ca: true }),
  ])
  expect(tlsCheck.output.safeParse(seen).error).toBeUndefined()
})

const times = { notBefore: '2025-01-01', notAfter: '2025-06-01', dns: ['www.example.com'] }
const expiredIntermediate = makeCertificate('Old', { ...times, ca: true, issuer: root })
test.each<[string, string[], boolean, { key: string; cert: string }]>([
  ['an expired certificate', ['expired'], true, shown(makeCertificate('a', { issuer: root, ...times }))],
  [
    'an expired link of the chain',
    ['expired'],
    true,
    shown(
      makeCertificate('a', { issuer: expiredIntermediate, dns: ['www.example.com'] }),
      expiredIntermediate,
    ),
  ],
  [
    'a certificate of the future',
    ['not_yet_valid'],
    true,
    shown(
      makeCertificate('a', {
        issuer: root,
        dns: ['www.example.com'],
        notBefore: '2040-01-01',
        notAfter: '2041-01-01',
      }),
    ),
  ],
  ['one signed by itself', ['self_signed'], true, shown(makeCertificate('a', { dns: ['www.example.com'] }))],
  [
    'an authority of its own, sent along',
    ['root_not_trusted'],
    true,
    shown(makeCertificate('a', { issuer: stranger, dns: ['www.example.com'] }), stranger),
  ],
  ['a link that is left out', ['issuer_missing'], true, shown(leaf)],
  [
    'another name',
    ['name_mismatch'],
    false,
    shown(makeCertificate('a', { issuer: root, dns: ['other.example.com'] })),
  ],
  [
    'another name and no date that holds',
    ['expired', 'name_mismatch'],
    false,
    shown(makeCertificate('a', { issuer: root, ...times, dns: ['other.example.com'] })),
  ],
])('%s is looked at without trust, and named', async (_, codes, nameMatches, identity) => {
  const port = await startTls(identity)
  const seen = await check(port)
  expect(seen.reasons.map(({ code }: { code: string }) => code)).toEqual(codes)
  expect([seen.chain_valid, seen.name_matches]).toEqual([codes[0] === 'name_mismatch', nameMatches])
  await expect(check(port, { expect: { trusted: true } })).rejects.toMatchObject({
    code: 'target_refused',
    message: `Not as expected: the server is not trusted (${codes.join(', ')}).`,
  })
})

test.each<[string, Record<string, unknown>, string | undefined]>([
  [
    'all of it',
    {
      trusted: true,
      days_left_min: 30,
      name: 'x.apps.example.com',
      protocol_min: 'TLSv1.3',
      issuer: 'Intermediate',
    },
    undefined,
  ],
  [
    'the whole issuer',
    { issuer: 'O=OpsConductor, CN=Intermediate', serial: leaf.certificate.x509.serialNumber.toLowerCase() },
    undefined,
  ],
  ['more days than are left', { days_left_min: 9_999 }, 'days are left, fewer than 9999'],
  ['another name', { name: 'a.b.apps.example.com' }, 'the certificate is not for a.b.apps.example.com'],
  ['another issuer', { issuer: 'Inter' }, 'the issuer is another'],
  ['another serial number', { serial: '01' }, 'the serial number is another'],
])('expecting %s', async (_, expected, fault) => {
  const checked = check(await good, { expect: expected })
  if (fault === undefined) await expect(checked).resolves.toMatchObject({ chain_valid: true })
  else
    await expect(checked).rejects.toMatchObject({
      code: 'target_refused',
      message: expect.stringContaining(fault),
    })
})

test('a server of TLS 1.2 is looked at, and fails where 1.3 is expected', async () => {
  const port = await startTls({ ...shown(leaf, intermediate), maxVersion: 'TLSv1.2' })
  expect((await check(port)).protocol).toBe('TLSv1.2')
  await expect(check(port, { expect: { protocol_min: 'TLSv1.3' } })).rejects.toMatchObject({
    message: 'Not as expected: the protocol is TLSv1.2.',
  })
})

test('the server is asked for the name that the step gives, and judged by it', async () => {
  const asked: string[] = []
  const port = await startTls({
    ...shown(leaf, intermediate),
    SNICallback(name, done) {
      asked.push(name)
      done(null)
    },
  })
  expect((await check(port, { host: 'lb.example.com', servername: 'www.example.com' })).name_matches).toBe(
    true,
  )
  expect((await check(port, { host: '127.0.0.1' })).reasons).toEqual([
    { code: 'name_mismatch', message: 'The certificate is not for 127.0.0.1.' },
  ])
  expect(asked).toEqual(['www.example.com'])
})

test('it works over a connection that is no socket, as through a bastion', async () => {
  const port = await good
  const { reach } = toolsFor(port)
  const tunnelled: Reach = {
    ...reach,
    async connect() {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      return Duplex.from({ readable: socket, writable: socket })
    },
  }
  expect(await check(port, {}, { reach: tunnelled })).toMatchObject({ chain_valid: true, name_matches: true })
})

const requiring = { requestCert: true, rejectUnauthorized: true, ca: [pemOf(root)] }
const old = makeCertificate('old', { issuer: root, dns: ['old.example.com'] })
test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  '000.23 by %s a client certificate is taken or refused',
  async (version) => {
    const versions = { maxVersion: version, minVersion: version }
    const port = await startTls({ ...shown(old), ...requiring, ...versions })
    const target = { host: 'old.example.com', port }
    const withCertificate = (identity: Identity) =>
      toolsFor(port, { clientCertificate: certificateOf(identity) })
    await expect(tryTls(target, withCertificate(client))).resolves.toBeUndefined()
    expect(await check(port, { host: target.host }, withCertificate(client))).toMatchObject({
      protocol: version,
      chain_valid: true,
    })
    await expect(tryTls(target, withCertificate(stranger))).rejects.toMatchObject({
      code: expect.stringMatching(/^target_(refused|unreachable)$/),
    })
  },
)

test('by TLS 1.2 no certificate is shown where the policy has no exception', async () => {
  const port = await startTls({ ...shown(leaf, intermediate), ...requiring, maxVersion: 'TLSv1.2' })
  const tools = toolsFor(port, { clientCertificate: certificateOf(client) })
  await expect(tryTls({ host: 'www.example.com', port }, tools)).rejects.toMatchObject({
    code: 'target_unreachable',
    message: 'The target could not be reached: it does not speak TLS 1.3.',
  })
})

test('a server that asks for a certificate and gets none is looked at all the same', async () => {
  const port = await startTls({ ...shown(leaf, intermediate), ...requiring, minVersion: 'TLSv1.3' })
  expect(await check(port)).toMatchObject({ chain_valid: true, reasons: [] })
})

test('a client certificate is not tried on a server that is not trusted, nor where it may not go', async () => {
  const port = await startTls({ ...shown(makeCertificate('a', { dns: ['www.example.com'] })), ...requiring })
  const target = { host: 'www.example.com', port }
  const clientCertificate = certificateOf(client)
  await expect(tryTls(target, toolsFor(port, { clientCertificate }))).rejects.toMatchObject({
    code: 'target_unreachable',
    message: 'The target is not to be trusted: The certificate is signed by itself.',
  })
  const reach = createReach({
    projectId: 'p',
    policy: OutboundPolicy.parse({ allow: [{ cidr: '127.0.0.1', ports: [port] }] }),
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    limitsHosts: [['other.example.com']],
  })
  await expect(tryTls(target, toolsFor(port, { clientCertificate, reach }))).rejects.toMatchObject({
    code: 'outbound_denied',
  })
})

test('000.06 a client certificate limited to a CA bundle takes only a server under it for its target', async () => {
  const port = await startTls({ ...shown(leaf, intermediate), ...requiring, minVersion: 'TLSv1.3' })
  const target = { host: 'www.example.com', port }
  const limitedTo = (name: string) =>
    toolsFor(port, {
      clientCertificate: certificateOf(client),
      trust: trustOf([pemOf(root), pemOf(stranger)], [[name]]),
    })
  await expect(tryTls(target, limitedTo('bundle 0'))).resolves.toBeUndefined()
  await expect(tryTls(target, limitedTo('bundle 1'))).rejects.toMatchObject({
    code: 'target_unreachable',
    message: expect.stringContaining('not to be trusted'),
  })
})

test('a client certificate that is none is a clear error without its text', async () => {
  const broken = { ...certificateOf(client), extra: { certificate: 'no pem, but a s3cret' } }
  await expect(check(await good, {}, { clientCertificate: broken })).rejects.toMatchObject({
    code: 'step_failed',
    message: expect.stringContaining('The client certificate') as never,
  })
})
