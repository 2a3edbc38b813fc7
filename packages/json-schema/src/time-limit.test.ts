import { expect, test } from '@jest/globals'
import { TooMuchWork, withinLimit } from './time-limit.ts'

const cpuMs = () => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

function burn(ms: number) {
  for (const until = cpuMs() + ms; cpuMs() < until; );
}

/** As on a machine that is busy with something else: time passes, and the thread does not run. */
const standStill = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

test('work that had not all of its processor time when the clock ran out is begun again, with more time', () => {
  const limitMs = 200
  let attempts = 0
  const answer = withinLimit(limitMs, () => {
    attempts++
    if (attempts > 1) return 'done'
    burn(limitMs * 0.6)
    standStill(limitMs * 2)
    return 'in time'
  })
  expect([answer, attempts]).toEqual(['done', 2])
})

test('work without end is stopped, however little of the processor it gets', () => {
  expect(() => withinLimit(20, () => burn(Number.POSITIVE_INFINITY))).toThrow(TooMuchWork)
  let attempts = 0
  const idle = () => {
    attempts++
    standStill(10_000)
  }
  expect(() => withinLimit(20, idle)).toThrow(TooMuchWork)
  expect(attempts).toBe(3)
})
