import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { createChores } from './chores.ts'

beforeEach(() => {
  jest.useFakeTimers()
})
afterEach(() => {
  jest.useRealTimers()
})

test('a chore is done at once and again in its time, also after it failed, which is told', async () => {
  const told: string[] = []
  let done = 0
  const run = async () => {
    done++
    if (done === 2) throw new Error('down')
  }
  const chores = createChores([{ name: 'tidy', everyMs: 1000, run }], (name, error) => {
    told.push(`${name}: ${(error as Error).message}`)
  })
  chores.start()
  await jest.advanceTimersByTimeAsync(999)
  expect(done).toBe(1)
  await jest.advanceTimersByTimeAsync(1)
  expect([done, told]).toEqual([2, ['tidy: down']])
  await jest.advanceTimersByTimeAsync(2000)
  expect(done).toBe(4)
  await chores.stop()
  await jest.advanceTimersByTimeAsync(5000)
  expect(done).toBe(4)
})

test('a chore that takes longer than its time is not done twice at once, and a stop waits for it', async () => {
  let begun = 0
  let finish = () => {}
  const run = () => {
    begun++
    return new Promise<void>((resolve) => {
      finish = resolve
    })
  }
  const chores = createChores([{ name: 'slow', everyMs: 1000, run }], () => {})
  chores.start()
  await jest.advanceTimersByTimeAsync(10_000)
  expect(begun).toBe(1)
  let stopped = false
  const stopping = chores.stop().then(() => {
    stopped = true
  })
  await jest.advanceTimersByTimeAsync(10_000)
  expect(stopped).toBe(false)
  finish()
  await stopping
  await jest.advanceTimersByTimeAsync(10_000)
  expect(begun).toBe(1)
})
