import { expect, test } from '@jest/globals'
import type { Failure, Pursued } from '../operations/activity-contract.ts'
import { type FailedAttempt, goLater, type Pursuit, pursue } from './pursue.ts'

const away = { code: 'target_unreachable', message: 'away', retryable: true }
const interrupted: FailedAttempt = { code: 'x', message: 'x', retryable: true, interrupted: true }

/** Pursues what answers these in turn, under a clock that stands but for the waiting. */
async function live(answers: (FailedAttempt | { end: string })[], of: Partial<Pursuit<string>> = {}) {
  let now = Date.UTC(2026, 0, 1)
  const waits: number[] = []
  const postponed: [Pursued, Failure | null][] = []
  let settled = 0
  const done = await pursue<string>({
    ...{ begun: { attempts: 0, retryAt: null }, expiresAt: null },
    attempt: async () => answers.shift() ?? { end: 'none left' },
    isFinal: ({ retryable }) => !retryable,
    postpone: async (next, failure) => void postponed.push([next, failure]),
    settle: async () => void settled++,
    async wait(ms) {
      waits.push(ms)
      now += ms
    },
    isToLeave: () => false,
    now: () => now,
    ...of,
  })
  return { done, waits, postponed, settled }
}

test('it waits longer from failure to failure, and tells whoever waits for it of the first alone', async () => {
  const { done, waits, settled } = await live([away, away, away, { end: 'done' }])
  expect(done).toEqual({ end: 'done' })
  expect(waits).toEqual([0, 60_000, 120_000, 240_000])
  expect(settled).toBe(1)
})

test('an interruption is no failure: it is neither counted, nor told, nor waited for', async () => {
  const { waits, postponed, settled } = await live([interrupted, away, interrupted, { end: 'done' }])
  expect(waits).toEqual([0, 1_000, 60_000, 1_000])
  expect(postponed.map(([next, failure]) => [next.attempts, failure?.code])).toEqual([
    [0, undefined],
    [1, 'target_unreachable'],
    [1, undefined],
  ])
  expect(settled).toBe(1)
})

test('it goes on from where an earlier history left it', async () => {
  const retryAt = new Date(Date.UTC(2026, 0, 1, 0, 5)).toISOString()
  const { waits, settled } = await live([away, { end: 'done' }], { begun: { attempts: 3, retryAt } })
  expect(waits).toEqual([300_000, 480_000])
  expect(settled).toBe(0)
})

test('whoever asks us to wait is waited for, and what is refused is not tried again', async () => {
  const asked = { ...away, code: 'too_many_requests', askedMs: 3_600_000 }
  const refused = { code: 'target_refused', message: 'no', retryable: false }
  const { done, waits } = await live([asked, refused])
  expect(waits).toEqual([0, 3_600_000])
  expect(done).toEqual({ failure: { code: 'target_refused', message: 'no' } })
})

test('what is in use until then is not let expire for a long wait', async () => {
  const expiresAt = new Date(Date.UTC(2026, 0, 1, 10)).toISOString()
  const begun = { attempts: 8, retryAt: null }
  const { waits } = await live([away, { end: 'done' }], { begun, expiresAt })
  expect(waits).toEqual([0, 3_600_000])
})

test('it leaves for a new history between two attempts', async () => {
  const { done } = await live([away, { end: 'done' }], { isToLeave: () => true })
  expect(done).toBe(goLater)
})
