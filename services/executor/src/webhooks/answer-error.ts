import { AppError } from '@opsconductor/errors'
import type { HttpAnswer } from '../http/exchange.ts'
import { retryAfterMs } from '../http/retry.ts'

/** Statuses beside 5xx that pass by themselves. */
const passing = new Set([408, 425, 429])

/** Why a webhook with this answer is not delivered, and whether and when another attempt is worth it. */
export function answerError({ status, headers }: Pick<HttpAnswer, 'status' | 'headers'>): AppError {
  const answered = `The receiver answered ${status}`
  if (passing.has(status) || status >= 500) {
    const toldMs = retryAfterMs(headers['retry-after'], Date.now())
    return new AppError('target_failed', `${answered}.`, {
      ...(toldMs === undefined ? {} : { retryAfterSeconds: toldMs / 1000 }),
    })
  }
  if (status >= 300 && status < 400)
    return new AppError('target_refused', `${answered}, a redirect, which is not followed.`)
  return new AppError('target_refused', `${answered}.`)
}
