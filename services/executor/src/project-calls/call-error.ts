import { databaseUnavailable } from '@opsconductor/database'
import { AppError, toAppError } from '@opsconductor/errors'
import { isNamespaceClosed, temporalUnavailable } from '@opsconductor/temporal'
import {
  ApplicationFailure,
  isGrpcServiceError,
  QueryNotRegisteredError,
  QueryRejectedError,
  ServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client'
import * as nexus from 'nexus-rpc'

const textMax = 1_000
const notFoundCode = 5
/** gRPC: DEADLINE_EXCEEDED, and FAILED_PRECONDITION, which says that no worker polls. */
const unansweredCodes = new Set([4, 9])

/** What went wrong between us and the workflow that was called, in words for the job's author of the other project. */
export function fromTarget(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (error instanceof WorkflowNotFoundError) return missing(error)
  if (error instanceof WorkflowUpdateFailedError) return fromUpdate(error)
  if (isNamespaceClosed(error))
    return new AppError('target_missing', 'The project that is called is being deleted.', { cause: error })
  if (error instanceof QueryNotRegisteredError || error instanceof QueryRejectedError)
    return new AppError('call_failed', `The query failed: ${error.message.slice(0, textMax)}`, {
      cause: error,
    })
  const cause = error instanceof ServiceError ? error.cause : error
  if (isGrpcServiceError(cause) && cause.code === notFoundCode) return missing(error)
  return temporalUnavailable(error) ?? databaseUnavailable(error) ?? toAppError(error)
}

/** Of a query, which a worker must answer. */
export function toUnanswered(error: unknown): never {
  const cause = error instanceof ServiceError ? error.cause : error
  if (isGrpcServiceError(cause) && unansweredCodes.has(cause.code))
    throw new AppError('call_no_worker', 'No worker of the target workflow answered.', { cause: error })
  throw error
}

const missing = (cause: unknown) =>
  new AppError('target_missing', 'The target workflow is not running.', { cause })

function fromUpdate(error: WorkflowUpdateFailedError): AppError {
  const { cause } = error
  return cause instanceof ApplicationFailure
    ? new AppError('call_rejected', (cause.message || 'The workflow rejected the call.').slice(0, textMax), {
        cause: error,
      })
    : new AppError('target_missing', 'The target workflow ended before it answered.', { cause: error })
}

/**
 * As the server must see it: it repeats a call only where something is away for a moment. Everything else is an answer,
 * with a code, that ends the operation at once.
 */
export function toNexusError({ code, message, retryable }: AppError): Error {
  if (code === 'service_unavailable')
    return withoutStack(new nexus.HandlerError('UNAVAILABLE', message, { retryableOverride: true }))
  const isOurs = code === 'internal_error'
  const failure = ApplicationFailure.create({
    type: isOurs ? 'target_failed' : code,
    message: isOurs ? 'Something went wrong in the worker of the target.' : message,
    nonRetryable: !retryable,
  })
  return withoutStack(new nexus.OperationError('failed', failure.message, { cause: withoutStack(failure) }))
}

/** It would stand in the other project's history. */
function withoutStack<E extends Error>(error: E): E {
  error.stack = ''
  return error
}
