import { expect, test } from '@jest/globals'
import { retryAfterMs } from './retry-after.ts'

const now = new Date('2026-11-22T10:00:00Z')

test.each<[string | undefined, number | undefined]>([
  ['0', 0],
  ['120', 120_000],
  ['Sun, 22 Nov 2026 10:00:05 GMT', 5_000],
  ['Sunday, 22-Nov-26 10:00:05 GMT', 5_000],
  ['Sun, 22 Nov 2026 09:00:00 GMT', 0],
  ['9'.repeat(400), Number.MAX_SAFE_INTEGER],
  [undefined, undefined],
  ['', undefined],
  ['-1', undefined],
  ['1.5', undefined],
  ['2026-11-22', undefined],
  ['soon', undefined],
])('Retry-After: %s', (value, ms) => {
  expect(retryAfterMs(value, now)).toBe(ms)
})
