import { createHmac } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { SecretValue } from '@opsconductor/redact'
import type { HttpRequest } from '../exchange.ts'
import { Hmac, signWithHmac } from './hmac.ts'

const now = new Date('2026-11-22T10:00:00.500Z')
const credential = (type: string, secret: Record<string, string>) => ({
  id: 'c',
  type,
  secret: Object.fromEntries(Object.entries(secret).map(([name, text]) => [name, new SecretValue(text)])),
  extra: {},
  http: null,
})
const request: HttpRequest = {
  method: 'POST',
  url: new URL('https://api.example:8443/v1/a%20b?x=1&y=2'),
  headers: { 'content-type': 'application/json' },
  body: '{"a":1}',
  bodyBytesMax: 1,
}
const sign = (hmac: object, secret = credential('webhook_secret', { secret: 'a shared secret' })) =>
  signWithHmac(request, Hmac.parse({ header: 'X-Signature', ...hmac }), secret, now).headers
const mac = (text: string, key: string | Buffer = 'a shared secret', algorithm = 'sha256') =>
  createHmac(algorithm, key).update(text)

test('000.02 hmac: by default the body, in hex', () => {
  expect(sign({})['x-signature']).toBe(mac('{"a":1}').digest('hex'))
})

test('000.02 hmac: the signature that Slack asks for', () => {
  // Key, time, body and signature of Slack's documentation "Verifying requests from Slack".
  const body =
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c'
  const hmac = Hmac.parse({
    header: 'X-Slack-Signature',
    prefix: 'v0=',
    signed: [{ text: 'v0' }, 'timestamp', 'body'],
    separator: ':',
    timestamp: { header: 'X-Slack-Request-Timestamp' },
  })
  const key = credential('custom', { value: '8f742231b10e8888abcd99yyyzzz85a5' })
  const signed = signWithHmac({ ...request, body }, hmac, key, new Date(1_531_420_618_000))
  expect(signed.headers).toMatchObject({
    'x-slack-request-timestamp': '1531420618',
    'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
  })
})

test('000.02 hmac: every part, as it goes over the wire', () => {
  const signed = [
    ...['method', 'host', 'path', 'query', 'path_and_query', 'url', 'timestamp', 'body_sha256'],
    { text: 'fixed' },
    { header: 'Content-Type' },
    { header: 'constructor' },
  ]
  const headers = sign({
    signed,
    separator: '|',
    algorithm: 'sha512',
    encoding: 'base64url',
    timestamp: { header: 'X-Time', unit: 'milliseconds' },
  })
  const text = [
    ...['POST', 'api.example:8443', '/v1/a%20b', 'x=1&y=2', '/v1/a%20b?x=1&y=2', request.url.href],
    '1795341600500',
    '015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862',
    ...['fixed', 'application/json', ''],
  ].join('|')
  expect(headers['x-time']).toBe('1795341600500')
  expect(headers['x-signature']).toBe(mac(text, undefined, 'sha512').digest('base64url'))
})

test('the key is the secret as it says', () => {
  const bytes = Buffer.from('0123456789abcdef0123456789abcdef', 'hex')
  const hex = sign(
    { key_encoding: 'hex', secret_field: 'k' },
    credential('custom', { k: bytes.toString('hex') }),
  )
  expect(hex['x-signature']).toBe(mac('{"a":1}', bytes).digest('hex'))
  const whsec = sign({}, credential('webhook_secret', { secret: `whsec_${bytes.toString('base64')}` }))
  expect(whsec['x-signature']).toBe(mac('{"a":1}', bytes).digest('hex'))
})

test.each([
  ['a secret that the credential has not', { secret_field: 'other' }],
  ['a name of a prototype', { secret_field: 'constructor' }],
  ['a key that is not hex', { key_encoding: 'hex' }],
])('%s fails the step', (_, hmac) => {
  expect(() => sign(hmac, credential('custom', { value: 'not hex at all' }))).toThrow(/The credential/)
})

test.each([
  { header: 'Host' },
  { header: 'Content-Length' },
  { header: 'X\r\nY' },
  { timestamp: { header: 'Transfer-Encoding' } },
  { prefix: 'a\r\nb: c' },
  { algorithm: 'md5' },
  { signed: [] },
  { signed: ['everything'] },
])('a scheme that would write what it must not is refused: %j', (hmac) => {
  expect(Hmac.safeParse({ header: 'X-Signature', ...hmac }).success).toBe(false)
})
