import { ActivityFailure, ApplicationFailure, isCancellation, TimeoutFailure } from '@temporalio/workflow'
import type { FailedAttempt } from './pursue.ts'

/** Why an attempt failed, from whatever a workflow can catch; throws again what is the operation's own cancellation. */
export function failureOf(error: unknown): FailedAttempt {
  if (isCancellation(error)) throw error
  const cause = error instanceof ActivityFailure ? error.cause : error
  if (
    cause instanceof TimeoutFailure ||
    (cause instanceof ApplicationFailure && cause.type === 'interrupted')
  )
    return {
      code: 'service_unavailable',
      message: 'The attempt was interrupted on our side; it is made again.',
      retryable: true,
      interrupted: true,
    }
  if (!(cause instanceof ApplicationFailure) || typeof cause.type !== 'string')
    return { code: 'internal_error', message: 'Something went wrong on our side.', retryable: true }
  const { askedMs } = (cause.details?.[0] ?? {}) as { askedMs?: number }
  return {
    code: cause.type,
    message: cause.message,
    retryable: cause.nonRetryable !== true,
    ...(askedMs === undefined ? {} : { askedMs }),
  }
}
