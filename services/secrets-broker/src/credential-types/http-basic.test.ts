import { expect, test } from '@jest/globals'
import { httpBasic } from './http-basic.ts'
import { lendable } from './lend.ts'

test('001.07b http_basic takes any printable password, sends both as UTF-8 and has the password redacted', () => {
  const password = 'pä:ss "wörd"'
  expect(httpBasic.secret.parse({ password })).toEqual({ password })
  const { redact, http } = lendable('http_basic', { password }, { username: 'reader' })
  expect(redact).toEqual([password])
  const [scheme, pair = ''] = http?.headers.authorization?.split(' ') ?? []
  expect([scheme, Buffer.from(pair, 'base64').toString()]).toEqual(['Basic', `reader:${password}`])
})

test('http_basic refuses what RFC 7617 cannot carry: a colon in the user name, control characters', () => {
  for (const username of ['', 'a:b', 'a\r\nb', 'x'.repeat(256), undefined])
    expect(httpBasic.extra.safeParse({ username }).success).toBe(false)
  expect(httpBasic.secret.safeParse({ password: 'pass\r\nword' }).success).toBe(false)
  expect(httpBasic.extra.safeParse({ username: 'reader', password: 'passw0rd' }).success).toBe(false)
})
