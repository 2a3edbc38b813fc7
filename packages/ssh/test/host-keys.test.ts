import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createSshKey, type SshdPeer, signSshCertificate, startSshd } from '@opsconductor/test-peers'
import type { HostKeyVerdict, KnownHostKey } from '../src/index.ts'
import { connectTo, faultOf, known } from './support.ts'

const host = {
  ed25519: createSshKey(),
  ecdsa: createSshKey({ type: 'ecdsa' }),
  rsa: createSshKey({ type: 'rsa' }),
}
const other = createSshKey()

let sshd: SshdPeer
beforeAll(async () => {
  sshd = await startSshd({ hostKeys: Object.values(host) })
})
afterAll(() => sshd?.close())

async function connectKnowing(knownHostKeys: KnownHostKey[], server = sshd) {
  const refused: HostKeyVerdict[] = []
  const connecting = connectTo(server, {
    knownHostKeys,
    onRefusedHostKey: (verdict) => refused.push(verdict),
  })
  const fault = await faultOf(connecting.then((connection) => connection.close()))
  return { fault, refused }
}

test.each(Object.entries(host))(
  '000.47 a host that has keys of several types shows the known one: %s',
  async (_, key) => {
    expect(await connectKnowing([known(key)])).toEqual({ fault: 'no fault', refused: [] })
  },
)

test('several keys of a host are good at the same time, so that they can be changed', async () => {
  expect((await connectKnowing([known(other), known(host.ed25519)])).fault).toBe('no fault')
})

test('a host of which nothing is known is refused, and its key is told', async () => {
  const { fault, refused } = await connectKnowing([])
  expect(fault).toMatch(/^target_refused: The host key of h1\.example:22 is not known \(ssh-ed25519 SHA256:/)
  expect(fault).toContain(host.ed25519.fingerprint)
  const shown = {
    keyType: 'ssh-ed25519',
    publicKey: host.ed25519.publicKey.split(' ')[1],
    fingerprint: host.ed25519.fingerprint,
  }
  expect(refused).toEqual([{ kind: 'unknown', shown }])
})

test('a host that is known by another key is refused loudly', async () => {
  const { fault, refused } = await connectKnowing([known(other)])
  expect(fault).toMatch(/^target_refused: THE HOST KEY OF h1\.example:22 HAS CHANGED/)
  expect(refused).toMatchObject([{ kind: 'changed', shown: { fingerprint: host.ed25519.fingerprint } }])
})

test('a revoked key is refused, whatever else is known', async () => {
  const { fault } = await connectKnowing([known(host.rsa), known(host.rsa, { revoked: true })])
  expect(fault).toMatch(/^target_refused: The host h1\.example:22 shows a revoked key \(ssh-rsa/)
})

test('a server that signs only with SHA-1, or encrypts only weakly, is refused', async () => {
  for (const [config, what] of [
    ['HostKeyAlgorithms ssh-rsa', 'host key format'],
    ['Ciphers aes128-cbc', 'cipher'],
    ['KexAlgorithms diffie-hellman-group14-sha1', 'key exchange algorithm'],
  ] as const) {
    const weak = await startSshd({ hostKeys: [host.rsa], config: [config] })
    const { fault } = await connectKnowing([known(host.rsa)], weak)
    await weak.close()
    expect(fault).toContain('target_refused: The SSH server speaks only algorithms that are too weak')
    expect(fault).toContain(what)
  }
})

const authority = {
  ed25519: createSshKey(),
  ecdsa: createSshKey({ type: 'ecdsa', bits: 521 }),
  rsa: createSshKey({ type: 'rsa' }),
}
const trusting = (key: typeof other) => [known(key, { isAuthority: true })]

test.each(
  Object.entries(authority).flatMap(([by, ca]) =>
    (['ed25519', 'ecdsa'] as const).map((of) => [of, by, host[of], ca] as const),
  ),
)("a host's certificate is trusted by its authority: %s by %s", async (_of, _by, key, ca) => {
  const certificate = signSshCertificate(ca, key.publicKey, { host: true, principals: ['h1.example'] })
  const server = await startSshd({ hostKeys: [key], hostCertificates: [certificate] })
  try {
    expect(await connectKnowing(trusting(ca), server)).toEqual({ fault: 'no fault', refused: [] })
    // The same server, to whom its own key is known.
    expect((await connectKnowing([known(key)], server)).fault).toBe('no fault')
  } finally {
    await server.close()
  }
})

test('a host whose own key is trusted needs no authority for the certificate that it shows', async () => {
  const certificate = signSshCertificate(authority.rsa, host.ecdsa.publicKey, { host: true })
  const server = await startSshd({ hostKeys: [host.ecdsa], hostCertificates: [certificate] })
  expect(await connectKnowing([...trusting(other), known(host.ecdsa)], server)).toEqual({
    fault: 'no fault',
    refused: [],
  })
  await server.close()
})

const good = { host: true, principals: ['h1.example'] }
test.each<[string, Parameters<typeof signSshCertificate>[2], KnownHostKey[], string]>([
  ['another authority', good, trusting(other), 'its authority is not trusted'],
  [
    'a revoked authority',
    good,
    [...trusting(authority.ed25519), known(authority.ed25519, { revoked: true })],
    'its authority is revoked',
  ],
  [
    'a revoked key',
    good,
    [...trusting(authority.ed25519), known(host.ed25519, { revoked: true })],
    'its key is revoked',
  ],
  [
    'another name',
    { ...good, principals: ['h2.example'] },
    trusting(authority.ed25519),
    'it does not name this host',
  ],
  ['no name', { host: true }, trusting(authority.ed25519), 'it does not name this host'],
  ['an end that has passed', { ...good, validity: '-2h:-1h' }, trusting(authority.ed25519), 'it has expired'],
  ['a begin to come', { ...good, validity: '+1h:+2h' }, trusting(authority.ed25519), 'it is not valid yet'],
])('a host certificate with %s is refused', async (_, how, knownHostKeys, why) => {
  const certificate = signSshCertificate(authority.ed25519, host.ed25519.publicKey, how)
  const server = await startSshd({ hostKeys: [host.ed25519], hostCertificates: [certificate] })
  const { fault, refused } = await connectKnowing(knownHostKeys, server)
  await server.close()
  expect(fault).toBe(`target_refused: The host certificate of h1.example:22 is not to be trusted: ${why}.`)
  expect(refused).toMatchObject([{ kind: 'bad_certificate' }])
})
