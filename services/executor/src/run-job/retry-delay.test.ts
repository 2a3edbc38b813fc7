import { expect, test } from '@jest/globals'
import { retryDelayMs } from './retry-delay.ts'

const retry = { initialMs: 500, factor: 2, maxMs: 3_000, jitter: true }

test('000.10 with jitter an attempt waits between half and all of its time, which grows up to the most', () => {
  expect([1, 2, 3, 4, 5].map((attempt) => retryDelayMs(retry, attempt, undefined, () => 0))).toEqual([
    250, 500, 1_000, 1_500, 1_500,
  ])
  expect([1, 2, 3, 4, 5].map((attempt) => retryDelayMs(retry, attempt, undefined, () => 1))).toEqual([
    500, 1_000, 2_000, 3_000, 3_000,
  ])
  expect(retryDelayMs({ ...retry, factor: 10, initialMs: 60_000 }, 400, undefined, () => 1)).toBe(3_000)
})

test('what the target asks for is waited, up to an hour, and never less than the schedule', () => {
  const plain = { ...retry, jitter: false }
  expect(retryDelayMs(plain, 1, undefined)).toBeUndefined()
  expect(retryDelayMs(plain, 1, 7)).toBe(7_000)
  expect(retryDelayMs(plain, 2, 0)).toBe(1_000)
  expect(retryDelayMs(plain, 1, 99_999_999)).toBe(3_600_000)
})
