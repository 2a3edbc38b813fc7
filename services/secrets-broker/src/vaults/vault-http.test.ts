import { expect, test } from '@jest/globals'
import { retryAfterOf } from './vault-http.ts'

test.each([
  ['7', 7],
  ['7200', 3600],
  [new Date(Date.now() + 86_400_000).toUTCString(), 3600],
  ['0', undefined],
  [new Date(0).toUTCString(), undefined],
  ['soon', undefined],
])('a vault that asks us to wait %s is waited for %s seconds', (value, seconds) => {
  expect(retryAfterOf({ 'retry-after': value })).toBe(seconds)
})
