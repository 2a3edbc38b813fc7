import { expect, test } from '@jest/globals'
import { createRedactor } from './redactor.ts'
import { SecretValue } from './secret-value.ts'

const secret = 'p@ss/w+rd "x" <é&1>%\\'
const asForm = (text: string) => new URLSearchParams({ a: text }).toString().slice(2)
const asHtml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
const lowerHex = (text: string) => text.replaceAll(/%[0-9A-F]{2}/g, (pair) => pair.toLowerCase())
const everyByte = (text: string) =>
  [...Buffer.from(text)].map((b) => `%${b.toString(16).padStart(2, '0')}`).join('')
const asAscii = (text: string) =>
  JSON.stringify(text).replaceAll(
    /[^\x20-\x7e]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

test.each<[name: string, write: (text: string) => string, left?: string]>([
  ['raw', (text) => text],
  ['JSON', (text) => JSON.stringify(text), '"[redacted]"'],
  ['JSON with only ASCII', asAscii, '"[redacted]"'],
  ['JSON with escaped slashes', (text) => JSON.stringify(text).replaceAll('/', '\\/'), '"[redacted]"'],
  ['JSON in JSON', (text) => JSON.stringify(JSON.stringify(text)), '"\\"[redacted]\\""'],
  ['percent-encoded', encodeURIComponent],
  ['percent-encoded in lower case', (text) => lowerHex(encodeURIComponent(text))],
  ['percent-encoded leaving slashes', (text) => encodeURIComponent(text).replaceAll('%2F', '/')],
  ['percent-encoded byte by byte', everyByte],
  ['form-encoded', asForm],
  ['form-encoded in JSON', (text) => JSON.stringify({ body: asForm(text) }), '{"body":"[redacted]"}'],
  ['HTML', asHtml],
  ['HTML with numbers', (text) => text.replaceAll(/[^a-z]/g, (c) => `&#x${c.codePointAt(0)?.toString(16)};`)],
  ['hex', (text) => Buffer.from(text).toString('hex')],
  ['hex in upper case', (text) => Buffer.from(text).toString('hex').toUpperCase()],
  ['base64', (text) => Buffer.from(text).toString('base64'), '[redacted]=='],
  ['URL-safe base64', (text) => Buffer.from(text).toString('base64url')],
  [
    'base64 in a query',
    (text) => encodeURIComponent(Buffer.from(text).toString('base64')),
    '[redacted]%3D%3D',
  ],
])('a secret echoed as %s is removed whole, what is around it stays', (_, write, left = '[redacted]') => {
  const { redact } = createRedactor([secret])
  expect(redact(`before ${write(secret)} after`)).toBe(`before ${left} after`)
})

test.each([
  ['4 bytes', 'pass'],
  ['5 bytes', 'pass1'],
  ['6 bytes', 'pass12'],
  ['bytes that need the second alphabet', '\u00ff\u00fe>>>???~~~'],
  ['40 bytes', 'x7Kq'.repeat(10)],
  ['200 bytes', 'Zq9-'.repeat(50)],
])('no base64 character that carries a bit of a secret of %s is left, wherever it stands', (_, text) => {
  const { redact } = createRedactor([text])
  const bytes = Buffer.from(text)
  for (const encoding of ['base64', 'base64url'] as const)
    for (const before of ['', 'u', 'us', 'use', 'user:'])
      for (const after of ['', ':', ':z', ':zz']) {
        const whole = Buffer.from(before + text + after)
          .toString(encoding)
          .replaceAll('=', '')
        const first = Math.floor((Buffer.from(before).length * 8) / 6)
        const end = Math.ceil(((Buffer.from(before).length + bytes.length) * 8) / 6)
        expect(redact(whole)).toBe(`${whole.slice(0, first)}[redacted]${whole.slice(end)}`)
      }
})

test('a password inside a Basic header is removed', () => {
  const { redact } = createRedactor(['open sesame'])
  const header = `Basic ${Buffer.from('user:open sesame').toString('base64')}`
  expect(redact(`authorization: ${header}`)).toBe('authorization: Basic dXNlcj[redacted]==')
})

const body = Array.from({ length: 6 }, (_, i) =>
  `${i}MIIEvQIBADANBgkqhkiG9w0BAQEFAASC`.repeat(2).slice(0, 64),
).join('\n')
const pem = `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`

test.each<[string, string]>([
  ['as it is', pem],
  ['with other line ends', pem.replaceAll('\n', '\r\n')],
  ['indented', pem.replaceAll('\n', '\n    ')],
  [
    'wrapped at another width',
    `-----BEGIN PRIVATE KEY-----\n${body.replaceAll('\n', '').replaceAll(/(.{50})/g, '$1\n')}\n-----END PRIVATE KEY-----`,
  ],
  ['as one line of it', `got ${body.split('\n')[3]} here`],
  ['as a JSON string', JSON.stringify({ key: pem })],
  [
    'as wrapped base64',
    Buffer.from(pem)
      .toString('base64')
      .replaceAll(/(.{76})/g, '$1\r\n'),
  ],
])('no line of a private key is left where it is echoed %s', (_, text) => {
  const clean = createRedactor([pem]).redact(text)
  expect(clean).toContain('[redacted]')
  for (let at = 0; at + 16 <= body.length; at += 8) {
    const part = body.slice(at, at + 16)
    expect(clean).not.toContain(part)
    expect(clean).not.toContain(Buffer.from(part).toString('base64').slice(2, 18))
  }
})

test('secrets that overlap or contain each other are all removed', () => {
  const { redact } = createRedactor(['abcd', 'abcdef', 'efgh'])
  expect(redact('xabcdefghx abcdx')).toBe('x[redacted]x [redacted]x')
})

test('two secrets side by side leave nothing between them, two apart leave what was between', () => {
  const { redact } = createRedactor(['first-secret', 'second-secret'])
  expect(redact('first-secretsecond-secret')).toBe('[redacted]')
  expect(redact('first-secret,second-secret')).toBe('[redacted],[redacted]')
  expect(redact('first-secret')).toBe('[redacted]')
})

test('secrets of less than 4 characters are ignored, so that they tear nothing else apart', () => {
  expect(createRedactor(['', 'a', 'abc']).redact('abc abc a')).toBe('abc abc a')
})

test('a text without a secret comes back unchanged, also one that is not well-formed', () => {
  const { redact } = createRedactor([secret])
  for (const text of ['', 'ab', 'é%zz\\u00zz&#xffffff;&bogus;\\', '\ud800 lone', '%E9%', '\u0000'])
    expect(redact(text)).toBe(text)
})

test('characters of several bytes around and inside a secret stay whole', () => {
  const { redact } = createRedactor(['日本語🔑'.repeat(20), 'żółw'])
  expect(redact(`é${'日本語🔑'.repeat(20)}é`)).toBe('é[redacted]é')
  expect(redact('🐢żółw🐢')).toBe('🐢[redacted]🐢')
  expect(redact(`${'日本語🔑'.repeat(8)}ü`)).not.toContain('\ufffd')
})

test('values and keys of JSON lose the secret; types, order and the original stay', () => {
  const { redactJson } = createRedactor(['hunter2!', '12345678'])
  const value = {
    'k-hunter2!': ['hunter2!', 1, true, null, { deep: 'aHVudGVyMiE=' }],
    pin: 12345678,
    ok: 1.5,
  }
  const before = structuredClone(value)
  expect(redactJson(value)).toEqual({
    'k-[redacted]': ['[redacted]', 1, true, null, { deep: '[redacted]=' }],
    pin: '[redacted]',
    ok: 1.5,
  })
  expect(value).toEqual(before)
  expect(redactJson('say hunter2!')).toBe('say [redacted]')
  expect(redactJson({ lent: new SecretValue('other') })).toEqual({ lent: '[redacted]' })
})

test('a __proto__ key stays a key and reaches no prototype', () => {
  const { redactJson } = createRedactor(['hunter2!'])
  const clean = redactJson(JSON.parse('{"__proto__":{"polluted":"hunter2!"}}')) as object
  expect(JSON.stringify(clean)).toBe('{"__proto__":{"polluted":"[redacted]"}}')
  expect(Object.getPrototypeOf(clean)).toBe(Object.prototype)
})

test('JSON 100,000 levels deep is redacted without overflowing the stack', () => {
  let value: unknown = 'hunter2!'
  for (let i = 0; i < 100_000; i++) value = [value]
  let clean = createRedactor(['hunter2!']).redactJson(value)
  while (Array.isArray(clean)) clean = clean[0]
  expect(clean).toBe('[redacted]')
})

test('texts and secrets made to cost much end with the secret removed', () => {
  const long = `${'a'.repeat(200_000)}b`
  const { redact } = createRedactor([long, '\\'.repeat(40), `${'%25'.repeat(30)}X`])
  expect(redact('a'.repeat(300_000))).not.toContain('a'.repeat(64))
  expect(redact(`${long}!`)).toBe('[redacted]!')
  for (const text of ['\\'.repeat(300_001), '%25'.repeat(100_000), '&#97;'.repeat(60_000)])
    expect(redact(text).length).toBeLessThanOrEqual(text.length)
})
