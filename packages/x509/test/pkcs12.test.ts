import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { expect, test } from '@jest/globals'
import forge from 'node-forge'
import { findLeaf } from '../src/find-leaf.ts'
import { readPkcs12 } from '../src/read-pkcs12.ts'
import { keyToPem } from '../src/to-pem.ts'
import { writePkcs12 } from '../src/write-pkcs12.ts'
import { faultOf } from './fault-of.ts'
import { type Identity, makeCertificate, makeChain } from './make-certificate.ts'
import { openssl, opensslPkcs12 } from './openssl.ts'

const { root, intermediate, leaf } = makeChain()
const rsa = makeCertificate('rsa', { key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey })
const ed25519 = makeCertificate('ed25519', { key: generateKeyPairSync('ed25519').privateKey })
const passphrase = 'passphrase'

/** Expects the bundle to be the identity's, with its chain. */
function expectBundle(
  bundle: Uint8Array,
  identity: Identity,
  chain: Identity[] = [],
  pass = passphrase,
): void {
  const { certificates, keys } = readPkcs12(bundle, pass)
  expect(keys.map((key) => key.equals(identity.key))).toEqual([true])
  expect(new Set(certificates.map(({ fingerprint }) => fingerprint))).toEqual(
    new Set([identity, ...chain].map(({ certificate }) => certificate.fingerprint)),
  )
  expect(findLeaf(certificates, keys[0]).fingerprint).toBe(identity.certificate.fingerprint)
}

test("000.27 bundles of openssl are read: today's and legacy encryption, RSA, EC and Ed25519", () => {
  for (const args of [
    [],
    ['-legacy'],
    ['-legacy', '-certpbe', 'PBE-SHA1-RC2-128', '-keypbe', 'PBE-SHA1-2DES'],
    ['-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'],
    ['-certpbe', 'AES-128-CBC', '-keypbe', 'AES-192-CBC', '-macalg', 'sha512'],
    ['-certpbe', 'NONE', '-keypbe', 'NONE'],
    ['-noiter', '-nomaciter'],
  ]) {
    expectBundle(opensslPkcs12(leaf, args, [intermediate, root]), leaf, [intermediate, root])
    expectBundle(opensslPkcs12(rsa, args), rsa)
  }
  expectBundle(opensslPkcs12(ed25519), ed25519)
  expect(readPkcs12(opensslPkcs12(leaf, ['-name', 'Straße 1']), passphrase).friendlyName).toBe('Straße 1')
})

test('000.27 bundles of another program, with its default 3DES and with AES, are read', () => {
  const key = forge.pki.privateKeyFromPem(rsa.key.export({ format: 'pem', type: 'pkcs1' }).toString())
  const certificate = forge.pki.certificateFromPem(rsa.certificate.x509.toString())
  for (const algorithm of ['3des', 'aes256'] as const) {
    const asn1 = forge.pkcs12.toPkcs12Asn1(key, [certificate], passphrase, { algorithm })
    expectBundle(Buffer.from(forge.asn1.toDer(asn1).getBytes(), 'binary'), rsa)
  }
})

test('000.27 passphrases beyond ASCII and empty ones are read as openssl writes them', () => {
  for (const pass of ['pässwörd €', '']) {
    expectBundle(opensslPkcs12(leaf, ['-passout', `pass:${pass}`]), leaf, [], pass)
    expectBundle(opensslPkcs12(leaf, ['-legacy', '-passout', `pass:${pass}`]), leaf, [], pass)
  }
})

test('000.27 a bundle in BER with indefinite lengths and octet strings in pieces is read', () => {
  expectBundle(toIndefiniteBer(opensslPkcs12(leaf, [], [intermediate])), leaf, [intermediate])
})

test('000.27 a written bundle is opened by openssl and by ourselves, with key, chain and name', () => {
  for (const identity of [leaf, rsa, ed25519]) {
    const bundle = writePkcs12({
      key: identity.key,
      certificate: identity.certificate,
      chain: [intermediate.certificate, root.certificate],
      passphrase: 'pässphrase',
      friendlyName: 'web',
    })
    const text = openssl(['pkcs12', '-in', 'bundle', '-nodes', '-passin', 'pass:pässphrase'], {
      bundle,
    }).toString()
    expect(text).toContain('friendlyName: web')
    expect(text).toContain(keyToPem(identity.key).trim())
    const certificates = text.match(/-----BEGIN CERT[\s\S]*?-----END CERTIFICATE-----/g) ?? []
    expect(certificates.map((pem) => new X509Certificate(pem).fingerprint256)).toEqual(
      [identity, intermediate, root].map(({ certificate }) => certificate.x509.fingerprint256),
    )
    const info = openssl(['pkcs12', '-in', 'bundle', '-info', '-noout', '-passin', 'pass:pässphrase'], {
      bundle,
    })
    expect(info).toBeDefined()
    expectBundle(bundle, identity, [intermediate, root], 'pässphrase')
  }
})

test('000.27 a bundle is not written without a passphrase or with the key of another certificate', () => {
  const bundle = { key: leaf.key, certificate: leaf.certificate, passphrase }
  expect(faultOf(() => writePkcs12({ ...bundle, passphrase: '' }))).toBe('passphrase_required')
  expect(faultOf(() => writePkcs12({ ...bundle, key: root.key }))).toBe('key_mismatch')
})

test('000.27 a wrong passphrase is told from a damaged bundle', () => {
  for (const args of [[], ['-legacy']]) {
    const bundle = opensslPkcs12(leaf, args)
    for (const pass of ['', 'Passphrase', 'passphrase ', 'x'.repeat(1024), '\ud800'])
      expect(faultOf(() => readPkcs12(bundle, pass))).toBe('wrong_passphrase')
    expect(faultOf(() => readPkcs12(bundle, 'x'.repeat(1025)))).toBe('too_large')
  }
  expect(faultOf(() => readPkcs12(leaf.certificate.der, passphrase))).toBe('malformed_pkcs12')
})

test('000.27 a bundle without a MAC is refused, for nothing tells whether it is whole', () => {
  expect(faultOf(() => readPkcs12(opensslPkcs12(leaf, ['-nomac']), passphrase))).toBe('unsupported_content')
})

test('000.27 bombs are refused before any work: iterations, salts, nesting, size', () => {
  const bundle = opensslPkcs12(leaf, ['-iter', '2049'])
  const bomb = Buffer.from(bundle)
  // The MAC's iterations are the last two bytes of a bundle.
  expect(bomb.readUInt16BE(bomb.length - 2)).toBe(2049)
  const grown = withMacIterations(bundle, 0x7fffffff)
  expect(faultOf(() => readPkcs12(grown, passphrase))).toBe('too_much_work')
  expect(faultOf(() => readPkcs12(withMacIterations(bundle, 600_000), passphrase))).toBe('too_much_work')
  expect(faultOf(() => readPkcs12(withMacIterations(bundle, 0), passphrase))).toBe('malformed_pkcs12')
  expect(faultOf(() => readPkcs12(Buffer.alloc(1024 * 1024 + 1, 0x30), passphrase))).toBe('too_large')
  const deep = Buffer.from('3080'.repeat(250_000), 'hex')
  expect(faultOf(() => readPkcs12(deep, passphrase))).toBe('malformed_pkcs12')
  const wide = Buffer.concat([Buffer.from('30830f4240', 'hex'), Buffer.from('0500'.repeat(500_000), 'hex')])
  expect(faultOf(() => readPkcs12(wide, passphrase))).toBe('malformed_pkcs12')
  const longName = Buffer.concat([Buffer.from('30830f424606830f4241', 'hex'), Buffer.alloc(1_000_001, 0x81)])
  expect(faultOf(() => readPkcs12(longName, passphrase))).toBe('malformed_pkcs12')
})

test('000.27 an encryption that asks for too many iterations behind a right MAC is refused', () => {
  const slow = (iterations: string): Buffer =>
    opensslPkcs12(leaf, ['-certpbe', 'NONE', '-keypbe', 'PBE-SHA1-3DES', '-iter', iterations, '-nomaciter'])
  expect(faultOf(() => readPkcs12(slow('200000'), passphrase))).toBe('too_much_work')
  expectBundle(slow('100000'), leaf)
})

test('000.27 a damaged bundle is a fault, or is read as if it were whole; a cut one is always a fault', () => {
  for (const args of [[], ['-legacy']]) {
    const bundle = opensslPkcs12(leaf, [...args, '-noiter', '-nomaciter'])
    let refused = 0
    for (let index = 0; index < bundle.length; index += 7) {
      const flipped = Buffer.from(bundle)
      flipped.writeUInt8((bundle[index] as number) ^ (1 << (index % 8)), index)
      if (faultOf(() => readPkcs12(flipped, passphrase)) === undefined) expectBundle(flipped, leaf)
      else refused += 1
      expect(faultOf(() => readPkcs12(bundle.subarray(0, index), passphrase))).toBeDefined()
    }
    expect(refused).toBeGreaterThan((bundle.length / 7) * 0.9)
  }
})

/** The bundle with other iterations of its MAC; they end it, as an INTEGER of two bytes. */
function withMacIterations(bundle: Buffer, iterations: number): Buffer {
  const asn1 = forge.asn1.fromDer(forge.util.createBuffer(bundle.toString('binary')))
  const macData = (asn1.value as forge.asn1.Asn1[])[2] as forge.asn1.Asn1
  const last = (macData.value as forge.asn1.Asn1[])[2] as forge.asn1.Asn1
  last.value = forge.asn1.integerToDer(iterations).getBytes()
  return Buffer.from(forge.asn1.toDer(asn1).getBytes(), 'binary')
}

/** Every constructed element with an indefinite length, and every long octet string in pieces. */
function toIndefiniteBer(der: Buffer): Buffer {
  const asn1 = forge.asn1.fromDer(forge.util.createBuffer(der.toString('binary')), {
    decodeBitStrings: false,
  } as never)
  const end = Buffer.from([0, 0])
  const write = (element: forge.asn1.Asn1): Buffer => {
    const tag = element.tagClass | element.type
    if (Array.isArray(element.value))
      return Buffer.concat([Buffer.from([tag | 0x20, 0x80]), ...element.value.map(write), end])
    const bytes = Buffer.from(element.value as string, 'binary')
    const isOctets = element.tagClass === 0 && element.type === forge.asn1.Type.OCTETSTRING
    if (!isOctets || bytes.length < 100) return Buffer.concat([Buffer.from([tag]), lengthOf(bytes), bytes])
    const half = Math.floor(bytes.length / 2)
    const pieces = [bytes.subarray(0, half), bytes.subarray(half)]
    const written = pieces.map((piece) => Buffer.concat([Buffer.from([4]), lengthOf(piece), piece]))
    return Buffer.concat([Buffer.from([0x24, 0x80]), ...written, end])
  }
  return write(asn1)
}

const lengthOf = ({ length }: Buffer): Buffer =>
  length < 128 ? Buffer.from([length]) : Buffer.from([0x82, length >> 8, length & 0xff])
