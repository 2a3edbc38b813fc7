import type {
  RunFailure,
  RunJobCall,
  RunJobInput,
  RunOutcome,
  RunProgress,
  runJobWorkflow,
} from '@opsconductor/contracts'
import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  defineQuery,
  defineSignal,
  defineUpdate,
  isCancellation,
  proxyLocalActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { RunJobActivities } from '../activity-contract.ts'
import { failureOf } from './failure.ts'
import { runSteps } from './run-steps.ts'

// Only the types of the contract are imported: the module itself brings zod, which every new run would load anew.
type Names = typeof runJobWorkflow
const runUpdate = defineUpdate<RunOutcome, [RunJobCall]>('run' satisfies Names['update'])
const statusQuery = defineQuery<RunProgress>('status' satisfies Names['query'])
const cancelSignal = defineSignal('cancel' satisfies Names['signal'])

/** Our own database, so local: without a round through the server. Retried for ever: it comes back. */
const { openRun, closeRun } = proxyLocalActivities<Pick<RunJobActivities, 'openRun' | 'closeRun'>>({
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '100 milliseconds', backoffCoefficient: 2, maximumInterval: '5 seconds' },
})

/** Runs one job: writes its row, runs its steps in order, writes its outcome, and tells it to whoever waits. */
export async function runJob(input: RunJobInput): Promise<RunOutcome> {
  const progress: RunProgress = { run_id: input.run_id, status: 'queued', step_id: null, outcome: null }
  const steps = new CancellationScope()

  setHandler(statusQuery, () => progress)
  setHandler(cancelSignal, () => steps.cancel())
  setHandler(
    runUpdate,
    () =>
      // A cancelled run answers its outcome too.
      CancellationScope.nonCancellable(async () => {
        await condition(() => progress.outcome !== null)
        return progress.outcome as RunOutcome
      }),
    {
      validator: (call) => {
        if (call?.body_hash !== input.body_hash)
          throw ApplicationFailure.nonRetryable(
            'The Idempotency-Key was used with another request.',
            'idempotency_mismatch',
          )
      },
    },
  )

  const outcome = await conclude(input, progress, steps)
  await CancellationScope.nonCancellable(async () => {
    progress.outcome = outcome
    progress.status = outcome.status
    progress.step_id = null
    await condition(allHandlersFinished)
  })
  if (outcome.status === 'succeeded') return outcome
  // Ends the workflow as cancelled or failed, so that Temporal's own page tells the truth. The server calls only what it
  // was itself asked to cancel cancelled.
  const { code, message } = outcome.error
  throw CancellationScope.current().consideredCancelled
    ? new CancelledFailure(message)
    : ApplicationFailure.nonRetryable(message, code)
}

async function conclude(
  input: RunJobInput,
  progress: RunProgress,
  scope: CancellationScope,
): Promise<RunOutcome> {
  try {
    const opened = await CancellationScope.nonCancellable(() => openRun(input, workflowInfo().workflowId))
    if (opened.ended !== null) return opened.ended
    progress.status = 'running'
    const output = await scope.run(() => runSteps(input, opened, progress))
    return await close({ run_id: input.run_id, status: 'succeeded', output: output as never })
  } catch (error) {
    const failure: RunFailure = { ...failureOf(error), step_id: progress.step_id }
    const status = isCancellation(error) ? 'cancelled' : 'failed'
    return await close({ run_id: input.run_id, status, error: failure })
  }
}

async function close(outcome: RunOutcome): Promise<RunOutcome> {
  await CancellationScope.nonCancellable(() => closeRun(outcome))
  return outcome
}
