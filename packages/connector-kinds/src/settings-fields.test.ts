import { expect, test } from '@jest/globals'
import { BaseUrl, SettingHeaders, SystemUrl } from './settings-fields.ts'

test.each([
  'Authorization',
  'AUTHORIZATION',
  'Proxy-Authorization',
  'X-Authorization',
  'Cookie',
  'set-cookie',
  'X-API-Key',
  'api-key',
  'apikey',
  'X-AccessKey',
  'X-Passphrase',
  'X-Auth-Token',
  'X-Amz-Security-Token',
  'PRIVATE-TOKEN',
  'X-Hub-Signature',
  'x_session',
  'Host',
  'Content-Length',
  'Transfer-Encoding',
  'Connection',
  'Expect',
  'Accept-Encoding',
  'Content-Type',
  'a b',
  'a:b',
  'a\r\nb',
  '',
])('a setting cannot be the header %j', (name) => {
  expect(SettingHeaders.safeParse({ [name]: 'x' }).success).toBe(false)
})

test.each(['a\r\nAuthorization: b', 'a\0', 'a\u0100', 7, null])(
  'a header of a setting cannot be %j',
  (value) => {
    expect(SettingHeaders.safeParse({ 'x-tenant': value }).success).toBe(false)
  },
)

test('other headers are taken, each once whatever its case, and not without end', () => {
  expect(SettingHeaders.parse({ Accept: 'text/csv', 'X-Author': 'ops' })).toEqual({
    Accept: 'text/csv',
    'X-Author': 'ops',
  })
  expect(SettingHeaders.safeParse({ Accept: 'a', accept: 'b' }).success).toBe(false)
  const many = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`x-${i}`, 'a']))
  expect(SettingHeaders.safeParse(many).success).toBe(false)
})

test.each([
  'ftp://a.example',
  'https://joe:pw@a.example',
  'https://a.example/#x',
  'https://a.example\\b',
  ' https://a.example',
  'https://a.example/ x',
  '/a',
  'https://',
])('%j is no URL of a system', (url) => {
  expect(SystemUrl.safeParse(url).success).toBe(false)
  expect(BaseUrl.safeParse(url).success).toBe(false)
})

test('a base URL has no query, not even an empty one', () => {
  for (const url of ['https://a.example?x=1', 'https://a.example/?'])
    expect(BaseUrl.safeParse(url).success).toBe(false)
  expect(SystemUrl.safeParse('https://a.example/?version=2').success).toBe(true)
})
