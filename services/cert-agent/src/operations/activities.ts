import { databaseUnavailable } from '@opsconductor/database'
import { AppError, toAppError } from '@opsconductor/errors'
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity'
import { performDeployment } from '../deployments/perform-deployment.ts'
import { postponeDeployment } from '../deployments/postpone-deployment.ts'
import type { Deps } from '../deps.ts'
import type { OperationActivities } from './activity-contract.ts'
import { cancelItems, isSettled, resultOfBatch, startItem } from './batch-items.ts'
import { endOperation } from './end-operation.ts'
import { openOperation } from './open-operation.ts'
import { performOperation } from './perform-operation.ts'
import { postponeOperation } from './postpone-operation.ts'
import type { OperationOutcome } from './store.ts'

/** How soon work learns that its operation was cancelled. */
const heartbeatMs = 500

/** Everything here may be called again with the same arguments. */
export function createActivities(deps: Deps): OperationActivities {
  const reported = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      throw toFailure(deps, error)
    }
  }
  return {
    openOperation: (id) => reported(() => openOperation(deps, id)),
    performOperation: (id) => reported(() => heard((signal) => performOperation(deps, id, signal))),
    performDeployment: (operationId, deploymentId) =>
      reported(() => heard((signal) => performDeployment(deps, { operationId, deploymentId }, signal))),
    postponeOperation: (id, next, failure) => reported(() => postponeOperation(deps, id, next, failure)),
    postponeDeployment: (operationId, id, next, failure) =>
      reported(() => postponeDeployment(deps, { id, operationId }, next, failure)),
    startItem: (batchId, certificateId) => reported(() => startItem(deps, batchId, certificateId)),
    isSettled: (id) => reported(() => isSettled(deps, id)),
    reportBatch: (id, done, total) =>
      reported(async () => {
        await deps.operations.report(id, { step: 'items', done, total })
      }),
    cancelItems: (id) => reported(() => cancelItems(deps, id)),
    resultOfBatch: (id) => reported(() => resultOfBatch(deps, id)),
    closeOperation: (id, outcome) => reported(() => endOperation(deps, id, outcome as OperationOutcome)),
  }
}

/** Sends heartbeats while the work runs: with their answers it learns that it was cancelled. */
async function heard<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const context = Context.current()
  const beat = setInterval(() => context.heartbeat(), heartbeatMs)
  try {
    return await work(context.cancellationSignal)
  } finally {
    clearInterval(beat)
  }
}

/** As Temporal keeps it: code and text, no cause, whose text nobody vouches for. */
function toFailure({ events }: Pick<Deps, 'events'>, error: unknown): Error {
  const { cancellationSignal, info } = Context.current()
  if (cancellationSignal.aborted) {
    const { reason } = cancellationSignal
    // A worker that stops cancels what it does; that is not the operation's cancellation.
    if (reason instanceof CancelledFailure && reason.message === 'CANCELLED') return reason
    return ApplicationFailure.create({ type: 'interrupted', message: 'The worker stopped.' })
  }
  const { code, message, retryable, retryAfterSeconds } = databaseUnavailable(error) ?? toAppError(error)
  if (code === 'internal_error')
    events.broke(error instanceof AppError ? error.cause : error, { activity: info.activityType })
  return ApplicationFailure.create({
    type: code,
    message,
    nonRetryable: !retryable,
    ...(retryAfterSeconds === undefined ? {} : { details: [{ askedMs: retryAfterSeconds * 1000 }] }),
  })
}
