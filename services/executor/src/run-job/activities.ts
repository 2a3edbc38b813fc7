import { databaseUnavailable } from '@opsconductor/database'
import { AppError, toAppError } from '@opsconductor/errors'
import { ApplicationFailure, Context } from '@temporalio/activity'
import { beginCall } from '../project-calls/begin-call.ts'
import { endCall } from '../project-calls/end-call.ts'
import { assertOutput } from '../project-calls/schemas.ts'
import { waitForUpdate } from '../project-calls/wait-for-update.ts'
import { redeliverWebhook } from '../webhooks/redeliver-webhook.ts'
import type { PlannedRetry, RunJobActivities } from './activity-contract.ts'
import { beginStep, endStep, keepValue } from './durable-steps.ts'
import { openLoop, openRun } from './open-run.ts'
import { retryDelayMs } from './retry-delay.ts'
import type { RunJobDeps } from './run-job-deps.ts'
import { type AttemptContext, runStep } from './run-step.ts'
import { StepError } from './step-error.ts'

/** How soon a running step learns that its run was cancelled. */
const heartbeatMs = 500

/** The activities of one project's worker. The project is the worker's, never one that a workflow names. */
export function createActivities(deps: RunJobDeps, projectId: string): RunJobActivities {
  const reported = reporter((error) => deps.events.runBroke(projectId, error))
  return {
    openRun: (given, workflowId, firstExecutionRunId) =>
      reported(async () => {
        const { opened, input } = await openRun(deps.store, projectId, given, {
          workflowId,
          firstExecutionRunId,
        })
        deps.events.runOpened(projectId, input)
        return opened
      }),
    openLoop: (runId, stepId) => reported(() => openLoop(deps.store, projectId, runId, stepId)),
    runStep: (request) =>
      reported(
        () => heard((context) => runStep(deps, projectId, request, context), request.attempt),
        request.retry,
      ),
    redeliverWebhook: (id) =>
      reported(() => heard((context) => redeliverWebhook(deps, projectId, id, context))),
    beginStep: (place, input) => reported(() => beginStep(deps.store, place, input)),
    endStep: (place, end) => reported(() => endStep(deps, projectId, place, end)),
    keepValue: (place, value) => reported(() => keepValue(deps, projectId, place, value)),
    beginCall: (place, asked) =>
      reported(ofARun(() => beginCall(deps.projectCalls, projectId, place, asked))),
    endCall: ({ runId, stepId, item = '' }, operation, { connectorId, outputSchema }, end) =>
      reported(
        ofARun(() =>
          endCall(
            deps.projectCalls,
            { connectorId, runId, stepId, item, operation, sourceProjectId: projectId },
            end,
            outputSchema,
          ),
        ),
      ),
    waitForUpdate: (update) =>
      reported(() =>
        heard(({ cancelled }) => waitForUpdate(deps.projectCalls, projectId, update, cancelled)),
      ),
    closeRun: (outcome, outputSchema = null) =>
      reported(async () => {
        if (outcome.status === 'succeeded') assertOutput(outputSchema, outcome.output)
        const { workflowId = '' } = Context.current().info.workflowExecution ?? {}
        await deps.writeBehind.close(outcome.run_id, (steps) =>
          deps.store.closeRun(projectId, outcome, workflowId, steps),
        )
        deps.events.runEnded(projectId, outcome)
      }),
  }
}

/** A user's own workflow could name this activity too; a local one is only ever our workflow's. */
const ofARun =
  <T>(work: () => Promise<T>) =>
  async (): Promise<T> => {
    if (Context.current().info.isLocal) return await work()
    throw new AppError('forbidden', 'Only a run may ask for this.')
  }

/** Sends heartbeats while an attempt runs: with their answers it learns that it was cancelled. */
async function heard<T>(work: (context: AttemptContext) => Promise<T>, attempt?: number): Promise<T> {
  const context = Context.current()
  let said: unknown
  const beat = context.info.isLocal ? undefined : setInterval(() => context.heartbeat(said), heartbeatMs)
  try {
    return await work({
      attempt: attempt ?? context.info.attempt,
      isLocal: context.info.isLocal,
      cancelled: context.cancellationSignal,
      heartbeat: (details) => {
        said = details
      },
    })
  } finally {
    clearInterval(beat)
  }
}

/** Failures as Temporal keeps them: code and text, no cause, whose text nobody vouches for. */
const reporter =
  (broke: (error: unknown) => void) =>
  async <T>(work: () => Promise<T>, retry?: PlannedRetry): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      if (error instanceof StepError) throw stepFailure(error, retry)
      if (Context.current().cancellationSignal.aborted) throw error
      const { code, message, retryable } = databaseUnavailable(error) ?? toAppError(error)
      if (code === 'internal_error') broke(error)
      // What we did not foresee will not go away by itself, and these are repeated for as long as they may be.
      const nonRetryable = !retryable || code === 'internal_error'
      throw ApplicationFailure.create({ type: code, message, nonRetryable })
    }
  }

function stepFailure(
  { failure, retryable, retryAfterSeconds }: StepError,
  retry: PlannedRetry | undefined,
): ApplicationFailure {
  const delayMs = retry && retryDelayMs(retry, Context.current().info.attempt, retryAfterSeconds)
  return ApplicationFailure.create({
    type: failure.code,
    message: failure.message,
    nonRetryable: !retryable,
    ...(retryAfterSeconds === undefined ? {} : { details: [{ retryAfterSeconds }] }),
    ...(delayMs === undefined ? {} : { nextRetryDelay: delayMs }),
  })
}
