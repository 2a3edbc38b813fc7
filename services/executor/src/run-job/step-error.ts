import type { RunFailure } from '@opsconductor/contracts'
import type { AppError, ErrorCode } from '@opsconductor/errors'

/** Ends a step as its activity must report it. Its text is free of secrets. */
export class StepError extends Error {
  override readonly name = 'StepError'
  readonly failure: Pick<RunFailure, 'code' | 'message'>
  readonly retryable: boolean
  /** How long to wait at least before the next attempt, where the target said so. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: ErrorCode,
    message: string,
    { retryable, retryAfterSeconds }: Pick<AppError, 'retryable' | 'retryAfterSeconds'>,
  ) {
    super(message)
    this.failure = { code, message }
    this.retryable = retryable
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Steps are stopped for other reasons too: the worker ends, or the server gave the attempt up. */
export const isRunCancelled = ({ aborted, reason }: AbortSignal): boolean =>
  aborted && reason instanceof Error && reason.message === 'CANCELLED'

export const workerStopped = () =>
  new StepError(
    'step_failed',
    'The worker was stopped while the step ran; whether the step took effect is not known.',
    { retryable: true, retryAfterSeconds: undefined },
  )
