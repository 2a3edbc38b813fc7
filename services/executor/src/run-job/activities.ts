import { databaseUnavailable } from '@opsconductor/database'
import { toAppError } from '@opsconductor/errors'
import { ApplicationFailure, Context } from '@temporalio/activity'
import type { RunJobActivities } from './activity-contract.ts'
import { openRun } from './open-run.ts'
import type { RunJobDeps } from './run-job-deps.ts'
import { runStep, StepError } from './run-step.ts'

/** How soon a running step learns that its run was cancelled. */
const heartbeatMs = 500

/** The activities of one project's worker. The project is the worker's, never one that a workflow names. */
export function createActivities(deps: RunJobDeps, projectId: string): RunJobActivities {
  return {
    openRun: (input, workflowId) =>
      reported(async () => {
        const opened = await openRun(deps.store, projectId, input, workflowId)
        deps.events.runOpened(projectId, input)
        return opened
      }),
    runStep: (request) =>
      reported(async () => {
        const context = Context.current()
        const beat = setInterval(() => context.heartbeat(), heartbeatMs)
        try {
          return await runStep(deps, projectId, request, context.info.attempt, context.cancellationSignal)
        } finally {
          clearInterval(beat)
        }
      }),
    closeRun: (outcome) =>
      reported(async () => {
        await deps.store.closeRun(projectId, outcome)
        deps.events.runEnded(projectId, outcome)
      }),
  }
}

/** Failures as Temporal keeps them: code and text, no cause, whose text nobody vouches for. */
async function reported<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof StepError)
      throw ApplicationFailure.create({
        type: error.failure.code,
        message: error.failure.message,
        nonRetryable: !error.retryable,
      })
    if (Context.current().cancellationSignal.aborted) throw error
    // What we did not foresee will not go away by itself, and these are repeated for as long as they may be.
    const { code, message, retryable } = databaseUnavailable(error) ?? toAppError(error)
    const nonRetryable = !retryable || code === 'internal_error'
    throw ApplicationFailure.create({ type: code, message, nonRetryable })
  }
}
