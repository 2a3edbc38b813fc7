import { expect, test } from '@jest/globals'
import { lendable } from './lend.ts'
import { parseCredential } from './parse-credential.ts'
import { faultPaths } from './try-credential.fixture.ts'

const extra = { client_id: 'app', token_url: 'https://id.example/oauth/token?tenant=1' }

test('oauth2_client takes a client with its token URL, scope and style', async () => {
  const given = {
    type: 'oauth2_client',
    secret: 's3cret/+ x'.replace(' ', ''),
    extra: { ...extra, scope: 'a b:c' },
  }
  expect((await parseCredential(given)).extra).toEqual({ ...extra, scope: 'a b:c', auth_style: 'basic' })
  const secret = { client_secret: 's3cret', refresh_token: 'r-0123' }
  const full = { ...extra, token_url: 'http://127.0.0.1:4444/token', auth_style: 'post', audience: 'api' }
  expect(await faultPaths('oauth2_client', secret, full)).toEqual([])
})

test.each<[string, unknown]>([
  ['token_url', 'http://id.example/token'],
  ['token_url', 'https://u:p@id.example/token'],
  ['token_url', 'https://id.example/token#x'],
  ['token_url', 'https://id.example/token?client_secret=x'],
  ['token_url', 'file:///etc/passwd'],
  ['token_url', undefined],
  ['client_id', ''],
  ['client_id', 'a\r\nb'],
  ['scope', 'a  b'],
  ['scope', 'a"b'],
  ['auth_style', 'none'],
])('oauth2_client refuses the %s %j', async (field, value) => {
  expect(await faultPaths('oauth2_client', 's3cret', { ...extra, [field]: value })).toEqual([
    `body.extra.${field}`,
  ])
})

test('oauth2_client has its secrets redacted, also form-encoded as they go into a Basic header', () => {
  const { redact, http } = lendable(
    'oauth2_client',
    { client_secret: 'a+b/c=', refresh_token: 'r-0123' },
    extra,
  )
  expect([redact, http]).toEqual([['a+b/c=', 'r-0123', 'a%2Bb%2Fc%3D'], null])
})
