import { AppError, retryAfterMs } from '@opsconductor/errors'
import type { HttpAnswer } from '../http/exchange.ts'
import type { OpenDelivery } from './webhook-log.ts'

/** Statuses beside 5xx that pass by themselves. */
const passing = new Set([408, 425, 429])

/**
 * Why a webhook with this answer is not delivered, and whether and when another attempt is worth it. An endpoint that
 * answers 410 is taken out of use.
 */
export async function settleRefusal(
  { status, headers }: Pick<HttpAnswer, 'status' | 'headers'>,
  delivery: Pick<OpenDelivery, 'disable'>,
): Promise<AppError> {
  if (status === 410) return endpointDisabled(await delivery.disable(), 'The receiver answered 410, so')
  const answered = `The receiver answered ${status}`
  if (passing.has(status) || status >= 500) {
    const toldMs = retryAfterMs(headers['retry-after'], new Date())
    return new AppError('target_failed', `${answered}.`, {
      ...(toldMs === undefined ? {} : { retryAfterSeconds: toldMs / 1000 }),
    })
  }
  if (status >= 300 && status < 400)
    return new AppError('target_refused', `${answered}, a redirect, which is not followed.`)
  return new AppError('target_refused', `${answered}.`)
}

export const endpointDisabled = (id: string | null, why: string): AppError =>
  new AppError(
    'target_refused',
    `${why} the endpoint is disabled; POST /api/webhook-endpoints/${id}/enable enables it.`,
  )
