import type { Failure, Pursued } from '../operations/activity-contract.ts'
import { retryDelayMs } from '../operations/retry-delay.ts'

// Nothing of Temporal's is imported: a test lives years of this under a clock of its own.

export interface FailedAttempt extends Failure {
  retryable: boolean
  /** What whoever failed asked us to wait, in ms. */
  askedMs?: number
  /** Our own worker stopped or died: the attempt says nothing of what it was for. */
  interrupted?: boolean
}

/** Something that is tried until it succeeds, and how. */
export interface Pursuit<End> {
  begun: Pursued
  /** RFC 3339: when what is in use until then ends; null: nothing is. */
  expiresAt: string | null
  attempt(): Promise<{ end: End } | FailedAttempt>
  isFinal(failure: FailedAttempt, attempts: number): boolean
  /** Null: it was interrupted. */
  postpone(next: Pursued, failure: Failure | null): Promise<void>
  /** It has failed for the first time, and is tried again. */
  settle(): Promise<void>
  wait(ms: number): Promise<void>
  isToLeave(): boolean
  now(): number
}

/** The history is long enough: the operation goes on in a new one, from what its rows say. */
export const goLater = Symbol('go later')

/** A worker that stopped is followed by another one. */
const interruptedMs = 1_000

export async function pursue<End>(
  of: Pursuit<End>,
): Promise<{ end: End } | { failure: Failure } | typeof goLater> {
  let { attempts } = of.begun
  await of.wait(untilMs(of.begun.retryAt, of.now()))
  for (;;) {
    const tried = await of.attempt()
    if ('end' in tried) return tried
    const { code, message, askedMs, interrupted = false } = tried
    const isFirst = !interrupted && attempts === 0
    if (!interrupted) attempts++
    if (of.isFinal(tried, attempts)) return { failure: { code, message } }
    const remainingMs = of.expiresAt === null ? undefined : untilMs(of.expiresAt, of.now())
    const delayMs = interrupted ? interruptedMs : retryDelayMs(attempts, { remainingMs, askedMs })
    const retryAt = new Date(of.now() + delayMs).toISOString()
    await of.postpone({ attempts, retryAt }, interrupted ? null : { code, message })
    if (isFirst) await of.settle()
    await of.wait(delayMs)
    if (of.isToLeave()) return goLater
  }
}

/** Zero where it is past, or now. */
const untilMs = (time: string | null, now: number): number =>
  time === null ? 0 : Math.max(0, new Date(time).getTime() - now)
