import { createCipheriv, createHmac, randomBytes } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { DecryptionError } from './envelope.ts'
import { openFernetToken, parseFernetKey } from './fernet.ts'
import { KeyRefused } from './key-providers/define-key-provider.ts'

const secret = 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4='
const key = parseFernetKey(secret)
const ttlSeconds = 60
/** verify.json of the specification, which is generate.json a second later. */
const hello =
  'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=='
const maxAge = { ttlSeconds, now: new Date('1985-10-26T01:20:01-07:00') }

test('a token of the specification opens, with an age limit and without', () => {
  expect(openFernetToken(key, hello, maxAge).toString()).toBe('hello')
  expect(openFernetToken(key, hello).toString()).toBe('hello')
})

/** invalid.json of the specification. */
const invalid = [
  [
    'incorrect mac',
    'gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykQUFBQUFBQUFBQQ==',
    /authenticated/,
  ],
  ['too short', 'gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPA==', /too short/],
  [
    'invalid base64',
    '%%%%%%%%%%%%%AECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q==',
    /base64url/,
  ],
  [
    'payload size not multiple of block size',
    'gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPOm73QeoCk9uGib28Xe5vz6oxq5nmxbx_v7mrfyudzUm',
    /too short|padding/,
  ],
  [
    'payload padding error',
    'gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0ODz4LEpdELGQAad7aNEHbf-JkLPIpuiYRLQ3RtXatOYREu2FWke6CnJNYIbkuKNqOhw==',
    /padding/,
  ],
  [
    'far-future TS (unacceptable clock skew)',
    'gAAAAAAdwStRAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAnja1xKYyhd-Y6mSkTOyTGJmw2Xc2a6kBd-iX9b_qXQcw==',
    /future/,
  ],
  [
    'incorrect IV (causes padding error)',
    'gAAAAAAdwJ6xBQECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAkLhFLHpGtDBRLRTZeUfWgHSv49TF2AUEZ1TIvcZjK1zQ==',
    /padding/,
  ],
  ['trailing characters after b64 padding', `${hello}trailingdata`, /base64url/],
  [
    'invalid characters in b64',
    '*gAAAAAAdwJ6wAAECAwQFBgcI!CQoLDA0ODy021?cpGVWKZ_eEwC@GM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==',
    /base64url/,
  ],
  [
    'invalid non-urlsafe characters in b64',
    'gAAAAAAdwJ6wAAEC/AwQFBgcICQoLDA0ODy+021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==',
    /base64url/,
  ],
] as const

test.each(invalid)('of the specification: %s is refused', (_description, token, reason) => {
  const open = () => openFernetToken(key, token, maxAge)
  expect(open).toThrow(DecryptionError)
  expect(open).toThrow(reason)
})

test('of the specification: an expired token is refused, and opens where no age limit is set', () => {
  const token =
    'gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q=='
  const late = { ttlSeconds, now: new Date('1985-10-26T01:21:31-07:00') }
  expect(() => openFernetToken(key, token, late)).toThrow(/expired/)
  expect(openFernetToken(key, token).toString()).toBe('')
})

test('no token opens with a bit changed in any byte, another version or another key', () => {
  const bytes = Buffer.from(hello, 'base64url')
  const encoded = (changed: Buffer) => changed.toString('base64').replaceAll('+', '-').replaceAll('/', '_')
  expect(encoded(bytes)).toBe(hello)
  for (let i = 0; i < bytes.length; i++) {
    const changed = Buffer.from(bytes)
    changed[i] = (changed[i] as number) ^ (1 << (i & 7))
    expect(() => openFernetToken(key, encoded(changed))).toThrow(DecryptionError)
  }
  const other = parseFernetKey(randomBytes(32).toString('base64url').concat('='))
  expect(() => openFernetToken(other, hello)).toThrow(/authenticated/)
})

test('a long message of any bytes comes back as it was', () => {
  const message = randomBytes(1_000_001)
  expect(openFernetToken(key, sealAnew(message)).equals(message)).toBe(true)
})

/** Written from the specification again. */
function sealAnew(message: Buffer): string {
  const bytes = Buffer.from(secret, 'base64url')
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-128-cbc', bytes.subarray(16), iv)
  const head = Buffer.from([0x80, 0, 0, 0, 0, 0x67, 0, 0, 0])
  const signed = Buffer.concat([head, iv, cipher.update(message), cipher.final()])
  const hmac = createHmac('sha256', bytes.subarray(0, 16)).update(signed).digest()
  return Buffer.concat([signed, hmac]).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
}

test.each([
  '',
  secret.slice(0, -1),
  `${secret} `,
  secret.replace('_', '/'),
  'c2hvcnQ=',
  `${secret.slice(0, -2)}5=`,
])('the key %j is refused without being quoted', (text) => {
  expect(() => parseFernetKey(text)).toThrow(KeyRefused)
  expect(() => parseFernetKey(text)).toThrow(/^A Fernet key must be 32 bytes in base64url\.$/)
})
