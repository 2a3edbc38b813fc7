import { createSecretKey, type KeyObject } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { DecryptionError, decrypt, encrypt } from './envelope.ts'
import { deriveSeedKey } from './master-key.ts'

const passphrase = 'an example master key of the seed'
const text = 'SecurePass123 – ünïcode'
// Made with Python's cryptography.AESGCM and hashlib.pbkdf2_hmac, nonce 00…0b: another implementation of the seed.
const vector = 'AAECAwQFBgcICQoLPNDVqIFKpCJeuBPPvqVLfp+tnlW6RqhDBLSPRQeMTgLS7TQHWS5Cwss+Uw=='
const vectorWithAad = 'AAECAwQFBgcICQoLPNDVqIFKpCJeuBPPvqVLfp+tnlW6RqhDBLSPU1zgkOw6dMiYSkBgSvA+Ww=='

const { key } = await deriveSeedKey(passphrase)

/** Opens a ciphertext knowing nothing but the seed's parameters, through WebCrypto. */
async function openBySeed(ciphertext: string, from: string): Promise<string> {
  const { subtle } = globalThis.crypto
  const utf8 = new TextEncoder()
  const material = await subtle.importKey('raw', utf8.encode(from), 'PBKDF2', false, ['deriveKey'])
  const aes = await subtle.deriveKey(
    { name: 'PBKDF2', hash: 'SHA-256', iterations: 100_000, salt: utf8.encode('opsconductor-secrets-v1') },
    material,
    { name: 'AES-GCM', length: 256 },
    false,
    ['decrypt'],
  )
  const bytes = Uint8Array.from(atob(ciphertext), (c) => c.charCodeAt(0))
  const algorithm = { name: 'AES-GCM', iv: bytes.slice(0, 12), tagLength: 128 }
  return new TextDecoder().decode(await subtle.decrypt(algorithm, aes, bytes.slice(12)))
}

test('003.09 the key of SECRETS_KMS_KEY is PBKDF2-HMAC-SHA256 of the seed, as another implementation derives it', async () => {
  expect(key.export().toString('hex')).toBe(
    'ac2c7ce5c7a4b7b3453eec368d2fd16332dad4c35bc49247c72f6b8c9452d244',
  )
  expect((await deriveSeedKey(passphrase)).id).toBe('7699454900ba9a29')
  expect((await deriveSeedKey(`${passphrase} `)).id).not.toBe('7699454900ba9a29')
})

test("003.08 000.44 a ciphertext made by another implementation of the seed's parameters opens", () => {
  expect(decrypt(key, vector)).toBe(text)
  expect(decrypt(key, vectorWithAad, 'table|row|project')).toBe(text)
})

test('003.08 003.09 003.10 our ciphertext opens with an independent implementation of the seed', async () => {
  for (const plaintext of [text, 'x', '\u0000', '🔑'.repeat(1000)])
    expect(await openBySeed(encrypt(key, plaintext), passphrase)).toBe(plaintext)
})

test('003.10 the format is base64 of 12 bytes of nonce, the ciphertext and 16 bytes of tag', () => {
  const bytes = Buffer.from(encrypt(key, 'twelve bytes'), 'base64')
  expect(bytes.length).toBe(12 + 12 + 16)
})

test('003.08 no nonce comes twice, so equal secrets have unequal ciphertexts', () => {
  const nonces = new Set(Array.from({ length: 2000 }, () => encrypt(key, text).slice(0, 16)))
  expect(nonces.size).toBe(2000)
})

const refused = (ciphertext: string, with_: KeyObject = key, aad?: string) => {
  expect(() => decrypt(with_, ciphertext, aad)).toThrow(DecryptionError)
  expect(() => decrypt(with_, ciphertext, aad)).not.toThrow(new RegExp(text))
}

test('a ciphertext with any one bit flipped does not open', () => {
  const bytes = Buffer.from(vector, 'base64')
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes)
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
    refused(changed.toString('base64'))
  }
})

test('a ciphertext cut at any length does not open', () => {
  const bytes = Buffer.from(vector, 'base64')
  for (let length = 0; length < bytes.length; length++) refused(bytes.subarray(0, length).toString('base64'))
})

test('what is not canonical base64 does not open, though Node would read past the fault', () => {
  for (const changed of [
    `${vector} `,
    `\n${vector}`,
    vector.replace('=', ''),
    `${vector.slice(0, 20)}*${vector.slice(20)}`,
    vector.replaceAll('+', '-'),
  ])
    refused(changed)
})

test('another key does not open it', () => {
  refused(vector, createSecretKey(Buffer.alloc(32, 7)))
})

test('a ciphertext bound to one place does not open at another, nor without its place', () => {
  refused(vectorWithAad, key, 'table|other row|project')
  refused(vectorWithAad)
  const bound = encrypt(key, text, 'table|row|project')
  expect(decrypt(key, bound, 'table|row|project')).toBe(text)
  refused(bound, key, 'table|row|project2')
})
