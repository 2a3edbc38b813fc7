import { expect, test } from '@jest/globals'
import { nextDelaySeconds, type WebhookRetry } from './delivery-schedule.ts'

const retry: WebhookRetry = {
  max_attempts: 30,
  first_seconds: 5,
  max_seconds: 21_600,
  give_up_after_seconds: 7 * 86_400,
}
const after = (attempt: number, more: { elapsedSeconds?: number; toldSeconds?: number; key?: string } = {}) =>
  nextDelaySeconds(retry, { attempt, elapsedSeconds: 0, key: 'run:step', ...more })

test('000.10 each delay is four times the one before, give or take a quarter, up to the longest', () => {
  for (const [attempt, planned] of [5, 20, 80, 320, 1_280, 5_120, 20_480, 21_600, 21_600].entries()) {
    const delay = after(attempt + 1) as number
    expect(delay).toBeGreaterThanOrEqual(planned * 0.75)
    expect(delay).toBeLessThanOrEqual(planned * 1.25)
  }
})

test('what failed together comes back spread, and each the same in a replay', () => {
  const keys = Array.from({ length: 1_000 }, (_, i) => `run-${i}:step`)
  const delays = keys.map((key) => after(4, { key }) as number)
  expect(keys.map((key) => after(4, { key }))).toEqual(delays)
  const quarters = [0, 0, 0, 0]
  for (const delay of delays) {
    const place = Math.min(3, Math.floor((delay - 240) / 40))
    quarters[place] = (quarters[place] as number) + 1
  }
  for (const count of quarters) expect(count).toBeGreaterThan(150)
})

test('a receiver that asks for more gets it, within the bound; one that asks for less does not hurry us', () => {
  expect(after(1, { toldSeconds: 600 })).toBeGreaterThanOrEqual(600)
  expect(after(1, { toldSeconds: 600 })).toBeLessThanOrEqual(660)
  expect(after(1, { toldSeconds: 99_999_999 })).toBeLessThanOrEqual(21_600 * 1.1)
  expect(after(3, { toldSeconds: 1 })).toBeGreaterThanOrEqual(60)
})

test('none is left after the last attempt, or where it would begin too late', () => {
  expect(after(29)).toBeDefined()
  expect(after(30)).toBeUndefined()
  expect(after(1, { elapsedSeconds: 7 * 86_400 - 3 })).toBeUndefined()
  expect(after(1, { elapsedSeconds: 7 * 86_400 - 10 })).toBeDefined()
})
