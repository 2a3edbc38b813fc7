import { expect, test } from '@jest/globals'
import { createRateLimit } from './rate-limit.ts'

function start(max = 2) {
  const clock = { now: 1_000_000 }
  const limit = createRateLimit({ max, windowMs: 60_000, detail: 'Wait.', now: () => clock.now })
  return { clock, limit }
}
const refusalOf = (work: () => void) => {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}

test('what is over the limit is too_many_requests, and says when the next is free', () => {
  const { limit, clock } = start()
  limit.take('a')
  clock.now += 10_000
  limit.take('a')
  clock.now += 20_500
  expect(refusalOf(() => limit.take('a'))).toMatchObject({
    code: 'too_many_requests',
    message: 'Wait.',
    retryAfterSeconds: 30,
  })
  limit.take('b')
})

test('a place is free again when the oldest is as old as the window; refused ones take none', () => {
  const { limit, clock } = start()
  limit.take('a')
  clock.now += 10_000
  limit.take('a')
  for (let i = 0; i < 5; i++) expect(refusalOf(() => limit.take('a'))).toBeDefined()
  clock.now += 50_000
  limit.take('a')
  expect(refusalOf(() => limit.take('a'))).toMatchObject({ retryAfterSeconds: 10 })
})

test('what is remembered is bounded', () => {
  const { limit } = start(1)
  limit.take('first')
  for (let i = 0; i < 10_000; i++) limit.take(String(i))
  limit.take('first')
})
