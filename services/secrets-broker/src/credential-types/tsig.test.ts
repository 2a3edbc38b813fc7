import { expect, test } from '@jest/globals'
import { lendable } from './lend.ts'
import { parseCredential } from './parse-credential.ts'
import { faultPaths } from './try-credential.fixture.ts'

const secret = Buffer.alloc(32, 5).toString('base64')

test('tsig takes a key name, an algorithm of RFC 8945 and a base64 key', async () => {
  const given = { type: 'tsig', secret, extra: { key_name: 'acme-update.example.com.' } }
  expect((await parseCredential(given)).extra).toEqual({
    key_name: 'acme-update.example.com.',
    algorithm: 'hmac-sha256',
  })
  expect(await faultPaths('tsig', { secret }, { key_name: '_k', algorithm: 'hmac-sha512' })).toEqual([])
  expect(lendable('tsig', { secret }, {})).toEqual({ redact: [secret, secret.replace('=', '')], http: null })
})

test('tsig refuses keys that are short or not base64, names that are none and other algorithms', async () => {
  for (const wrong of [
    'c2hvcnQ=',
    'not base64!',
    secret.replace('=', ''),
    Buffer.alloc(513).toString('base64'),
  ])
    expect(await faultPaths('tsig', wrong, { key_name: 'k' })).toEqual(['body.secret'])
  for (const key_name of ['', '.', 'a..b', 'a b', '-a', `${'x'.repeat(64)}.example`])
    expect(await faultPaths('tsig', secret, { key_name })).toEqual(['body.extra.key_name'])
  const extra = { key_name: 'k', algorithm: 'gss-tsig' }
  expect(await faultPaths('tsig', secret, extra)).toEqual(['body.extra.algorithm'])
})
