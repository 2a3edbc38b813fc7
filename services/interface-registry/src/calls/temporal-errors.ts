import { AppError } from '@opsconductor/errors'
import { temporalUnavailable } from '@opsconductor/temporal'
import {
  isGrpcServiceError,
  QueryNotRegisteredError,
  QueryRejectedError,
  ServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client'
import { ApplicationFailure } from '@temporalio/common'

/** gRPC codes of a wait that we ended (CANCELLED), and of a query that no worker is there for (FAILED_PRECONDITION). */
const unansweredCodes = new Set([1, 9])

const tooLong = () =>
  new AppError('call_timeout', 'The workflow did not answer in time.', { retryAfterSeconds: 2 })

/** What went wrong between us and a workflow, in our words. */
export function fromTemporal(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (error instanceof WorkflowNotFoundError)
    return new AppError('not_found', 'The workflow is not running.', { cause: error })
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return tooLong()
  if (error instanceof WorkflowUpdateFailedError) return fromUpdate(error)
  if (error instanceof QueryNotRegisteredError || error instanceof QueryRejectedError)
    return new AppError('call_failed', 'The workflow has nothing by the callable_name of the interface.', {
      cause: error,
    })
  const cause = error instanceof ServiceError ? error.cause : error
  if (isGrpcServiceError(cause) && unansweredCodes.has(cause.code)) return tooLong()
  return (
    temporalUnavailable(error) ??
    new AppError('call_failed', 'The workflow could not answer the call.', { cause: error })
  )
}

/** A rejected or failed update carries the workflow's own words; the platform's failures carry none of the caller's. */
function fromUpdate(error: WorkflowUpdateFailedError): AppError {
  const { cause } = error
  if (!(cause instanceof ApplicationFailure))
    return new AppError('call_failed', 'The workflow ended before it answered.', { cause: error })
  if (cause.type === 'idempotency_mismatch') return idempotencyMismatch()
  return new AppError('call_rejected', (cause.message || 'The workflow rejected the call.').slice(0, 1000), {
    cause: error,
  })
}

export const idempotencyMismatch = () =>
  new AppError('idempotency_mismatch', 'This Idempotency-Key was used with another body.')
