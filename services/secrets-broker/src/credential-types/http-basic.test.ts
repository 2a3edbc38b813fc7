import { expect, test } from '@jest/globals'
import { httpBasic } from './http-basic.ts'

test('http_basic takes any printable password and redacts it', () => {
  expect(httpBasic.secret.parse({ password: 'pä:ss "wörd"' })).toEqual({ password: 'pä:ss "wörd"' })
  expect(httpBasic.secretsToRedact({ password: 'passw0rd' } as never)).toEqual(['passw0rd'])
})

test('http_basic refuses what RFC 7617 cannot carry: a colon in the user name, control characters', () => {
  for (const username of ['', 'a:b', 'a\r\nb', 'x'.repeat(256), undefined])
    expect(httpBasic.extra.safeParse({ username }).success).toBe(false)
  expect(httpBasic.secret.safeParse({ password: 'pass\r\nword' }).success).toBe(false)
  expect(httpBasic.extra.safeParse({ username: 'reader', password: 'passw0rd' }).success).toBe(false)
})
