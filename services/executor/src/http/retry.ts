import { setTimeout as delay } from 'node:timers/promises'
import { AppError, retryAfterMs } from '@opsconductor/errors'
import { z } from 'zod'
import type { HttpAnswer } from './exchange.ts'

export const Retry = z
  .object({
    max_attempts: z.number().int().min(2).max(10).default(3).describe('In all.'),
    initial_ms: z
      .number()
      .int()
      .min(10)
      .max(60_000)
      .default(500)
      .describe('Until the second attempt; then twice as long each time.'),
    max_ms: z.number().int().min(10).max(600_000).default(30_000).describe('Between two attempts at most.'),
    unsafe: z
      .boolean()
      .default(false)
      .describe('Also for a method that does something again each time (POST, PATCH).'),
  })
  .strict()
  .describe(
    'Tries again within the step when the target is away, answers 408, 429 or 5xx, or takes too long; waits as its Retry-After says, else with back-off and jitter.',
  )
export type Retry = z.infer<typeof Retry>

const worthAgain = (status: number): boolean => status === 408 || status === 429 || status >= 500
const failedForNow = new Set(['target_unreachable', 'step_timeout', 'target_failed'])

interface Attempts {
  retry: Retry | undefined
  /** Answers that the step expects are never asked for again. */
  isExpected(status: number): boolean
  /** When the step's time is up, by `performance.now()`. */
  deadline: number
  signal: AbortSignal
}

/** Sends until an answer is worth keeping. Gives up when the wait would be longer than the step's time. */
export async function sendWithRetry(
  send: () => Promise<HttpAnswer>,
  { retry, isExpected, deadline, signal }: Attempts,
): Promise<HttpAnswer> {
  for (let attempt = 1; ; attempt++) {
    const isLast = attempt >= (retry?.max_attempts ?? 1)
    const result = await send().catch((error: unknown) => {
      if (isLast || signal.aborted || !isFailureForNow(error)) throw error
      return error
    })
    const isAnswer = !(result instanceof AppError)
    if (isAnswer && (isLast || isExpected(result.status) || !worthAgain(result.status))) return result
    const waitMs =
      (isAnswer ? retryAfterMs(result.headers['retry-after'], new Date()) : undefined) ??
      backOffMs(retry as Retry, attempt)
    if (performance.now() + waitMs >= deadline) {
      if (isAnswer) return result
      throw result
    }
    await delay(waitMs, undefined, { signal }).catch(() => {
      throw signal.reason
    })
  }
}

const isFailureForNow = (error: unknown): error is AppError =>
  error instanceof AppError && failedForNow.has(error.code)

/** Half of it is chance, so that many that failed together do not come back together. */
function backOffMs({ initial_ms, max_ms }: Retry, attempt: number): number {
  const most = Math.min(initial_ms * 2 ** (attempt - 1), max_ms)
  return most / 2 + (Math.random() * most) / 2
}
