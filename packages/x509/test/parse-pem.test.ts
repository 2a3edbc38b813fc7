import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { parseDer, parsePem } from '../src/parse-pem.ts'
import { certificatesToPem, keyToPem } from '../src/to-pem.ts'
import { faultOf } from './fault-of.ts'
import { makeCertificate, makeChain, makeDer, makeKey } from './make-certificate.ts'
import { openssl } from './openssl.ts'

const { root, intermediate, leaf } = makeChain()
const pemOf = (...certificates: (typeof leaf)[]): string =>
  certificatesToPem(certificates.map(({ certificate }) => certificate))
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const ed25519 = generateKeyPairSync('ed25519').privateKey
const passphrase = 'pässphrase'

const encryptedPem = (key: KeyObject, type: 'pkcs8' | 'pkcs1' | 'sec1', cipher = 'aes-256-cbc'): string =>
  key.export({ format: 'pem', type, cipher, passphrase } as never).toString()

test('000.27 certificates and keys are read in any order, with text, Windows line ends and a BOM around them', () => {
  const text = `\uFEFFBag Attributes\n${pemOf(leaf)}some text\n${keyToPem(leaf.key)}${pemOf(intermediate, root)}`
  for (const given of [text, text.replaceAll('\n', '\r\n')]) {
    const { certificates, keys } = parsePem(given)
    expect(certificates.map(({ fingerprint }) => fingerprint)).toEqual(
      [leaf, intermediate, root].map(({ certificate }) => certificate.fingerprint),
    )
    expect(keys.map((key) => key.equals(leaf.key))).toEqual([true])
  }
})

test('000.27 RSA, EC and Ed25519 keys are read from PEM and DER of every encoding, encrypted or not', () => {
  const keys: [KeyObject, ('pkcs8' | 'pkcs1' | 'sec1')[]][] = [
    [rsa, ['pkcs8', 'pkcs1']],
    [makeKey('P-256'), ['pkcs8', 'sec1']],
    [makeKey('P-384'), ['pkcs8', 'sec1']],
    [makeKey('P-521'), ['pkcs8', 'sec1']],
    [ed25519, ['pkcs8']],
  ]
  for (const [key, types] of keys)
    for (const type of types) {
      const plain = parsePem(key.export({ format: 'pem', type } as never).toString())
      const encrypted = parsePem(encryptedPem(key, type), { passphrase })
      const der = parseDer(key.export({ format: 'der', type } as never) as unknown as Buffer)
      for (const read of [plain, encrypted, der])
        expect(read.keys.map((one) => one.equals(key))).toEqual([true])
    }
  expect(parseDer(leaf.certificate.der).certificates[0]?.fingerprint).toBe(leaf.certificate.fingerprint)
})

test('000.27 keys that openssl encrypted are read: PBES2, scrypt, PKCS #12 and its old format', () => {
  const key = keyToPem(rsa)
  for (const args of [
    ['pkcs8', '-topk8', '-v2', 'aes-128-cbc', '-v2prf', 'hmacWithSHA512'],
    ['pkcs8', '-topk8', '-v2', 'des3'],
    ['pkcs8', '-topk8', '-scrypt'],
    ['pkcs8', '-topk8', '-v1', 'PBE-SHA1-3DES'],
    ['pkcs8', '-topk8', '-v1', 'PBE-SHA1-RC2-40', '-provider', 'legacy', '-provider', 'default'],
    ['rsa', '-aes256', '-traditional'],
    ['rsa', '-des3', '-traditional'],
  ]) {
    const text = openssl([...args, '-in', 'key', '-out', 'out', '-passout', `pass:${passphrase}`], { key })
    expect(parsePem(text.toString(), { passphrase }).keys.map((one) => one.equals(rsa))).toEqual([true])
    expect(faultOf(() => parsePem(text.toString(), { passphrase: 'another' }))).toBe('wrong_passphrase')
    expect(faultOf(() => parsePem(text.toString()))).toBe('passphrase_required')
  }
})

test('000.27 keys that are weak, of another kind or broken are refused', () => {
  const pem = (key: KeyObject): string => keyToPem(key)
  expect(faultOf(() => parsePem(pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey)))).toBe(
    'weak_key',
  )
  expect(faultOf(() => parsePem(pem(makeKey('secp256k1'))))).toBe('unsupported_key')
  expect(faultOf(() => parsePem(pem(generateKeyPairSync('ed448').privateKey)))).toBe('unsupported_key')
  const der = rsa.export({ format: 'der', type: 'pkcs1' })
  // OpenSSL makes up for one of them with the other.
  for (const inExponentOrPrime of [400, 600])
    der.writeUInt8((der[inExponentOrPrime] as number) ^ 1, inExponentOrPrime)
  expect(faultOf(() => parseDer(der))).toBe('broken_key')
})

test('000.27 an encrypted key that asks for too many iterations is refused before they are made', () => {
  const make = (...args: string[]): string =>
    openssl(['pkcs8', '-topk8', '-in', 'key', '-out', 'out', '-passout', 'pass:abcd', ...args], {
      key: keyToPem(leaf.key),
    }).toString()
  const text = make('-iter', '2097151')
  const bomb = Buffer.from(text.split('\n').slice(1, -2).join(''), 'base64')
  const at = bomb.indexOf(Buffer.from('02031fffff', 'hex'))
  bomb.writeUInt8(0x7f, at + 2)
  expect(faultOf(() => parseDer(bomb, { passphrase: 'abcd' }))).toBe('too_much_work')
})

test('000.27 what is too large or too many is refused with a word that says so', () => {
  expect(faultOf(() => parsePem('x'.repeat(1024 * 1024 + 1)))).toBe('too_large')
  expect(faultOf(() => parseDer(Buffer.alloc(1024 * 1024 + 1)))).toBe('too_large')
  expect(faultOf(() => parsePem(pemOf(leaf).repeat(51)))).toBe('too_many')
  expect(parsePem(pemOf(leaf).repeat(50)).certificates).toHaveLength(50)
  expect(faultOf(() => parsePem(keyToPem(leaf.key).repeat(11)))).toBe('too_many')
})

test('000.27 a certificate with a subject of a megabyte is refused, in PEM and DER', () => {
  const large = makeDer('x'.repeat(100_000), leaf.key)
  const larger = makeDer('x'.repeat(1024 * 1024), leaf.key)
  const pem = (der: Buffer): string =>
    `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`
  for (const der of [large, larger]) {
    expect(faultOf(() => parseDer(der))).toBe('too_large')
    expect(faultOf(() => parsePem(pem(der)))).toBe('too_large')
  }
})

test('000.27 text that is no PEM, cut or of another kind is refused', () => {
  const text = pemOf(leaf)
  const damage: [string, string][] = [
    ['', 'malformed_pem'],
    ['hello', 'malformed_pem'],
    [text.replace(/-----END.*/, ''), 'malformed_pem'],
    [text.replace('END CERTIFICATE', 'END PRIVATE KEY'), 'malformed_pem'],
    [`-----BEGIN CERTIFICATE-----\n${text}`, 'malformed_pem'],
    [text.replace('MII', 'M?I'), 'malformed_pem'],
    [text.replace(/M(?=II)/, 'M\n'.repeat(1)), ''],
    [text.replaceAll('CERTIFICATE', 'CERTIFICATE REQUEST'), 'unsupported_content'],
    [text.replaceAll('CERTIFICATE', 'OPENSSH PRIVATE KEY'), 'unsupported_content'],
    [text.replaceAll('CERTIFICATE', 'PRIVATE KEY'), 'malformed_key'],
    [keyToPem(leaf.key).replaceAll('PRIVATE KEY', 'CERTIFICATE'), 'malformed_certificate'],
    [keyToPem(leaf.key).replaceAll('PRIVATE KEY', 'ENCRYPTED PRIVATE KEY'), 'malformed_key'],
  ]
  for (const [given, code] of damage) expect(faultOf(() => parsePem(given, { passphrase })) ?? '').toBe(code)
  const trailing = Buffer.concat([leaf.certificate.der, Buffer.from([5, 0])])
  expect(faultOf(() => parseDer(trailing))).toBe('malformed_certificate')
})

test('000.27 no damage to a certificate or key makes anything but a fault', () => {
  const key = leaf.key.export({ format: 'der', type: 'pkcs8' })
  const encrypted = leaf.key.export({ format: 'der', type: 'pkcs8', cipher: 'aes-128-cbc', passphrase })
  const certificate = makeCertificate('leaf', { issuer: intermediate, dns: ['a.example.com'] }).certificate
    .der
  let refused = 0
  for (const der of [certificate, key, encrypted])
    for (let index = 0; index < der.length; index += 2) {
      const flipped = Buffer.from(der)
      flipped.writeUInt8((der[index] as number) ^ (1 << (index % 8)), index)
      if (faultOf(() => parseDer(flipped, { passphrase })) !== undefined) refused += 1
      expect(faultOf(() => parseDer(der.subarray(0, index), { passphrase }))).toBeDefined()
    }
  expect(refused).toBeGreaterThan(100)
})
