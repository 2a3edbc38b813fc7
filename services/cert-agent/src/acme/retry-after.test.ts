import { expect, test } from '@jest/globals'
import { retryAfterSeconds } from './retry-after.ts'

const now = new Date('2026-01-01T00:00:00Z')

test.each<[string | undefined, number | undefined]>([
  [undefined, undefined],
  ['-5', undefined],
  ['120', 120],
  ['9'.repeat(400), 604_800],
  ['99999999', 604_800],
  ['Thu, 01 Jan 2026 00:02:00 GMT', 120],
  ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
])('Retry-After: %s is %s seconds', (header, seconds) => {
  expect(retryAfterSeconds(header, now)).toBe(seconds)
})
