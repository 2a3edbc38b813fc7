import { AppError } from '@opsconductor/errors'
import {
  isGrpcServiceError,
  NamespaceNotFoundError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client'

/** gRPC codes that mean "not now": DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE. */
const unavailableCodes = new Set([4, 8, 14])
/** What the worker's native connection says instead of a gRPC code. */
const transportTexts =
  /Connection refused|tcp connect error|transport error|Failed to connect|Connection failed/i

const causesMax = 5
const closedTexts = /Namespace has invalid state/

/** Whether the server refused to start anything because the namespace was closed for good (`retireNamespace`). */
export function isNamespaceClosed(error: unknown): boolean {
  for (
    let cause = error, depth = 0;
    cause instanceof Error && depth < causesMax;
    cause = cause.cause, depth++
  )
    if (closedTexts.test(cause.message)) return true
  return false
}

/**
 * `service_unavailable` where the error says that Temporal could not be reached or did not answer in time; undefined
 * for any other error. A namespace that was asked for before it was made stays unknown to the server for some seconds,
 * so that is unavailability too. A wait for an update that ran out is none: the update goes on.
 */
export function temporalUnavailable(error: unknown): AppError | undefined {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return undefined
  if (isNamespaceClosed(error))
    return new AppError('service_unavailable', 'The project is being deleted: nothing is started in it.', {
      cause: error,
      retryAfterSeconds: 5,
    })
  for (
    let cause = error, depth = 0;
    cause instanceof Error && depth < causesMax;
    cause = cause.cause, depth++
  ) {
    if (cause instanceof NamespaceNotFoundError)
      return new AppError('service_unavailable', "The project's Temporal namespace is not there yet.", {
        cause: error,
        retryAfterSeconds: 2,
      })
    const grpc = isGrpcServiceError(cause) && unavailableCodes.has(cause.code)
    const transport = cause.name === 'TransportError' && transportTexts.test(cause.message)
    if (grpc || transport)
      return new AppError('service_unavailable', 'Temporal is not available.', {
        cause: error,
        retryAfterSeconds: 2,
      })
  }
  return undefined
}
