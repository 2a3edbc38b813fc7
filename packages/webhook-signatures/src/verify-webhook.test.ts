import { createHmac } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { signGithubWebhook, signStandardWebhook, verifyWebhook } from './index.ts'

const now = new Date(1_614_265_330_000)
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const plain = 'a plain secret of more than 16'
const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}', at: now }
const { body } = message

// From the specification's own reference implementation (standardwebhooks, Python and JavaScript).
test('000.09 the signature of Standard Webhooks is the one that the reference implementation makes of its example', () => {
  const headers = signStandardWebhook([secret], message)
  expect(headers).toEqual({
    'webhook-id': message.id,
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
  expect(verifyWebhook({ style: 'standard', secrets: [secret], headers, body, now })).toEqual({
    valid: true,
    id: message.id,
  })
})

// From GitHub's documentation, "Testing the webhook payload validation".
test("000.09 the signature in GitHub's style is the one of its documentation, and holds", () => {
  const headers = signGithubWebhook("It's a Secret to Everybody", 'Hello, World!')
  expect(headers).toEqual({
    'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17',
  })
  const received = { style: 'github', headers, body: Buffer.from('Hello, World!'), now } as const
  expect(verifyWebhook({ ...received, secrets: [plain, "It's a Secret to Everybody"] })).toEqual({
    valid: true,
    id: null,
  })
  expect(verifyWebhook({ ...received, secrets: [plain] })).toEqual({
    valid: false,
    code: 'signature_mismatch',
  })
})

test('000.09 while secrets change, a message signed with both is taken by whoever knows either', () => {
  const headers = signStandardWebhook([secret, plain], message)
  expect(headers['webhook-signature']?.split(' ')).toHaveLength(2)
  const verify = (...secrets: string[]) =>
    verifyWebhook({ style: 'standard', secrets, headers, body: Buffer.from(body), now })
  for (const known of [
    [secret],
    [plain],
    [plain, secret],
    ['another secret of ours', plain],
    ['short', secret],
  ])
    expect(verify(...known)).toMatchObject({ valid: true })
  expect(verify('another secret of ours')).toEqual({ valid: false, code: 'signature_mismatch' })
})

const signed = signStandardWebhook([secret], message)
const good = signed['webhook-signature'] as string
const other = `v1,${Buffer.alloc(32, 7).toString('base64')}`
const signature = (text: string | string[]) => ({ ...signed, 'webhook-signature': text })

test.each([
  ['among others and other versions', signature(`${other} v2,AAAA v1a,AAAA ${good} ${other}`)],
  ['without padding', signature(good.replace('=', ''))],
  [
    'with headers in another spelling',
    Object.fromEntries(Object.entries(signed).map(([k, v]) => [k.toUpperCase(), v])),
  ],
  ['with headers as lists of one', Object.fromEntries(Object.entries(signed).map(([k, v]) => [k, [v]]))],
])('a good signature holds %s', (_, headers) => {
  expect(verifyWebhook({ style: 'standard', secrets: [secret], headers, body, now })).toMatchObject({
    valid: true,
  })
})

const time = (value: string) => ({ ...signed, 'webhook-timestamp': value })
const id = (value: string) => ({ ...signed, 'webhook-id': value })
const { 'webhook-id': _id, ...withoutId } = signed
const { 'webhook-timestamp': _timestamp, ...withoutTimestamp } = signed
const { 'webhook-signature': _signature, ...withoutSignature } = signed

test.each([
  ['no id', withoutId, 'missing_header'],
  ['no timestamp', withoutTimestamp, 'missing_header'],
  ['no signature', withoutSignature, 'missing_header'],
  ['an empty signature', signature(''), 'missing_header'],
  ['a header that is no text', { ...signed, 'webhook-id': 7 as never }, 'missing_header'],
  ['the id twice', { ...signed, 'webhook-id': [message.id, message.id] }, 'duplicate_header'],
  ['the signature twice, in two spellings', { ...signed, 'Webhook-Signature': good }, 'duplicate_header'],
  ['two ids that Node joined', id(`${message.id}, other`), 'malformed_id'],
  ['two timestamps that Node joined', time('1614265330, 1614265330'), 'malformed_timestamp'],
  ['two signatures that Node joined', signature(`${good}, ${other}`), 'malformed_signature'],
  ['a full stop in the id, which would move what is signed', id('msg_a.1614265330'), 'malformed_id'],
  ['an id of 257 characters', id('m'.repeat(257)), 'malformed_id'],
  ['an id with a line break', id('msg\r\nx'), 'malformed_id'],
  ['a timestamp in words', time('hello'), 'malformed_timestamp'],
  ['a negative timestamp', time('-1614265330'), 'malformed_timestamp'],
  ['a timestamp of another base', time('0x6037bab2'), 'malformed_timestamp'],
  ['a timestamp with a fraction', time('1614265330.0'), 'malformed_timestamp'],
  ['a timestamp beyond all numbers', time('9'.repeat(400)), 'malformed_timestamp'],
  ['a message of five minutes and a second ago', time('1614265029'), 'timestamp_too_old'],
  ['a message of five minutes and a second ahead', time('1614265631'), 'timestamp_too_new'],
  ['a timestamp that was changed', time('1614265329'), 'signature_mismatch'],
  ['an id that was changed', id('msg_other'), 'signature_mismatch'],
  ['a signature that was cut', signature(good.slice(0, 8)), 'malformed_signature'],
  ['a signature without its value', signature('v1,'), 'malformed_signature'],
  ['a signature without its version', signature(good.slice(3)), 'malformed_signature'],
  [
    'base64 with something in between',
    signature(`v1,${'!'.repeat(4)}${good.slice(3)}`),
    'malformed_signature',
  ],
  ['only a version that is not checked', signature('v1a,AAAA v2,AAAA'), 'unknown_signature_version'],
  ['21 signatures', signature(Array(21).fill(other).join(' ')), 'too_many_signatures'],
  ['a signature of a megabyte', signature(`v1,${'A'.repeat(1_000_000)}`), 'too_many_signatures'],
  ['headers of a prototype', Object.create(signed) as Record<string, string>, 'missing_header'],
])('%s is refused with its own code', (_, headers, code) => {
  expect(verifyWebhook({ style: 'standard', secrets: [secret], headers, body, now })).toEqual({
    valid: false,
    code,
  })
})

test('another body is refused', () => {
  for (const changed of ['', `${body} `, Buffer.from(body.replace('2', '3'))])
    expect(
      verifyWebhook({ style: 'standard', secrets: [secret], headers: signed, body: changed, now }),
    ).toEqual({
      valid: false,
      code: 'signature_mismatch',
    })
})

test.each([
  ['none', []],
  ['an empty one', ['']],
  ['one that is too short', ['fifteen letters']],
  ['too few bytes after whsec_', ['whsec_c2hvcnQ=']],
  ['no base64 after whsec_', [`whsec_${'*'.repeat(44)}`]],
])('a secret nobody should sign with verifies nothing: %s', (_, secrets) => {
  const key = secrets[0] ?? ''
  const mac = createHmac('sha256', key).update(`${message.id}.1614265330.${body}`).digest('base64')
  const headers = signature(`v1,${mac}`)
  const verdict = { valid: false, code: 'no_usable_secret' }
  expect(verifyWebhook({ style: 'standard', secrets, headers, body, now })).toEqual(verdict)
  const github = { 'x-hub-signature-256': `sha256=${createHmac('sha256', key).update(body).digest('hex')}` }
  expect(verifyWebhook({ style: 'github', secrets, headers: github, body, now })).toEqual(verdict)
  expect(() => signStandardWebhook(secrets, message)).toThrow(/secret/)
})

test("a tolerance of one's own is kept to, and a clock that is none refuses everything", () => {
  const received = { style: 'standard', secrets: [secret], headers: signed, body } as const
  const at = (seconds: number) => new Date(now.getTime() + seconds * 1000)
  expect(verifyWebhook({ ...received, now: at(11), toleranceSeconds: 10 })).toMatchObject({ valid: false })
  expect(verifyWebhook({ ...received, now: at(10), toleranceSeconds: 10 })).toMatchObject({ valid: true })
  expect(verifyWebhook({ ...received, now: at(300) })).toMatchObject({ valid: true })
  expect(verifyWebhook({ ...received, now: at(-300) })).toMatchObject({ valid: true })
  expect(verifyWebhook({ ...received, now: new Date(Number.NaN) })).toEqual({
    valid: false,
    code: 'timestamp_too_old',
  })
})

test.each([
  ['no header', {}, 'missing_header'],
  ['the old SHA-1', { 'x-hub-signature-256': `sha1=${'a'.repeat(40)}` }, 'malformed_signature'],
  ['too short', { 'x-hub-signature-256': 'sha256=abcd' }, 'malformed_signature'],
  ['no hexadecimal', { 'x-hub-signature-256': `sha256=${'g'.repeat(64)}` }, 'malformed_signature'],
  ['twice', { 'x-hub-signature-256': ['sha256=a', 'sha256=b'] }, 'duplicate_header'],
  ['of another key', { 'x-hub-signature-256': `sha256=${'a'.repeat(64)}` }, 'signature_mismatch'],
])("a signature in GitHub's style is refused with its own code: %s", (_, headers, code) => {
  expect(verifyWebhook({ style: 'github', secrets: [plain], headers, body, now })).toEqual({
    valid: false,
    code,
  })
})

test.each(['', 'msg.1', 'msg 1', 'msg\n', 'ü', 'm'.repeat(257)])(
  'nothing is signed under the id %j',
  (bad) => {
    expect(() => signStandardWebhook([secret], { ...message, id: bad })).toThrow(/webhook id/)
  },
)
