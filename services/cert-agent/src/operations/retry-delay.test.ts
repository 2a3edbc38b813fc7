import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { retryDelayMs } from './retry-delay.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

test('from a minute, doubling, to six hours', () => {
  const delays = Array.from({ length: 12 }, (_, index) => retryDelayMs(index + 1) / minuteMs)
  expect(delays).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360])
  expect(retryDelayMs(100_000)).toBe(6 * hourMs)
})

test('never more than a tenth of what is left, and never less than a minute', () => {
  expect(retryDelayMs(10, { remainingMs: 10 * hourMs })).toBe(hourMs)
  expect(retryDelayMs(10, { remainingMs: 5 })).toBe(minuteMs)
  expect(retryDelayMs(10, { remainingMs: 0 })).toBe(6 * hourMs)
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 100 * 24 * 60 }),
      (attempt, minutes) => {
        const delay = retryDelayMs(attempt, { remainingMs: minutes * minuteMs })
        expect(delay).toBeGreaterThanOrEqual(minuteMs)
        expect(delay).toBeLessThanOrEqual(Math.max(minuteMs, minutes * minuteMs * 0.1 + 1))
      },
    ),
  )
})

test('whoever asks us to wait is waited for, for a week at most', () => {
  expect(retryDelayMs(1, { askedMs: 3 * hourMs })).toBe(3 * hourMs)
  expect(retryDelayMs(9, { askedMs: 5 })).toBe(256 * minuteMs)
  expect(retryDelayMs(1, { askedMs: 1e15 })).toBe(7 * 24 * hourMs)
})
