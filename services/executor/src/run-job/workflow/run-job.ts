import type {
  RunFailure,
  RunJobCall,
  RunJobInput,
  RunJobRequest,
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
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import { renderTemplates, type TemplateScope } from '../../templating/render.ts'
import type { OpenRunPlan, RunFacts } from '../activity-contract.ts'
import { closeRun, openRun } from './activities.ts'
import { failureOf } from './failure.ts'
import { createFrame } from './run-frame.ts'
import { runFinally, runSteps } from './run-steps.ts'

export { awaitUpdate } from '../../project-calls/workflow/await-update.ts'
export { pingConnector } from '../../project-calls/workflow/ping-connector.ts'
export { redeliverWebhook } from '../../webhooks/workflow/redeliver-webhook.ts'
export { runLoop } from './run-loop.ts'

// The SDK takes a stack trace for every promise that a workflow makes (infra/decisions/0017).
Error.stackTraceLimit = 1

// Only the types of the contract are imported: the module itself brings zod, which every new run would load anew.
type Names = typeof runJobWorkflow
const runUpdate = defineUpdate<RunOutcome, [RunJobCall]>('run' satisfies Names['update'])
const statusQuery = defineQuery<RunProgress>('status' satisfies Names['query'])
const cancelSignal = defineSignal('cancel' satisfies Names['signal'])

/** Runs one job: writes its row, runs its steps in order, writes its outcome, and tells it to whoever waits. */
export async function runJob(input: RunJobInput | RunJobRequest): Promise<RunOutcome> {
  const progress: RunProgress = {
    run_id: input?.run_id ?? null,
    status: 'queued',
    step_id: null,
    outcome: null,
  }
  const steps = new CancellationScope()
  const bodyHash = (input as Partial<RunJobInput> | undefined)?.body_hash ?? null

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
        if ((call?.body_hash ?? null) !== bodyHash)
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
  input: RunJobInput | RunJobRequest,
  progress: RunProgress,
  scope: CancellationScope,
): Promise<RunOutcome> {
  const { workflowId, firstExecutionRunId } = workflowInfo()
  try {
    const opened = await CancellationScope.nonCancellable(() =>
      openRun(input, workflowId, firstExecutionRunId),
    )
    if (opened.ended !== null) return opened.ended
    const facts = opened.facts ?? factsOf(input as RunJobInput)
    progress.run_id = facts.runId
    progress.status = 'running'
    return await close(
      await runPlan(facts, opened, input.input === undefined ? {} : input.input, progress, scope),
      (input as RunJobRequest).output_schema,
    )
  } catch (error) {
    // Without a row there is nothing to close, and without an id no way to name what is.
    const end = ended(progress.run_id ?? '', failureOf(error), progress.step_id, error)
    return progress.run_id === null ? end : await close(end)
  }
}

async function runPlan(
  facts: RunFacts,
  plan: OpenRunPlan,
  input: unknown,
  progress: RunProgress,
  scope: CancellationScope,
): Promise<RunOutcome> {
  const frame = createFrame(facts, progress)
  const run = { id: facts.runId, job_id: facts.jobId, job_version: facts.version }
  // No prototype: a step may be called anything.
  const templates: TemplateScope = { input, steps: Object.create(null), run }
  let outcome: RunOutcome
  try {
    const last = await scope.run(() => runSteps(frame, plan.steps, templates))
    progress.step_id = null
    const output = plan.hasOutputTemplate ? renderTemplates(plan.outputTemplate, templates) : last
    outcome = { run_id: facts.runId, status: 'succeeded', output: output as never }
  } catch (error) {
    outcome = ended(facts.runId, failureOf(error), progress.step_id, error)
  }
  if (plan.finally === undefined) return outcome
  const error = outcome.status === 'succeeded' ? null : outcome.error
  const failed = await runFinally(frame, plan.finally, {
    ...templates,
    run: { ...run, status: outcome.status, error },
  })
  return failed === undefined || outcome.status !== 'succeeded'
    ? outcome
    : ended(facts.runId, failureOf(failed.error), failed.stepId, failed.error)
}

function ended(
  runId: string,
  { code, message }: Pick<RunFailure, 'code' | 'message'>,
  stepId: string | null,
  error: unknown,
): RunOutcome {
  const status = isCancellation(error) ? 'cancelled' : 'failed'
  return { run_id: runId, status, error: { code, message, step_id: stepId } }
}

/** Of runs that an earlier version opened. */
const factsOf = ({ run_id, job_id, version, trigger }: RunJobInput): RunFacts => ({
  runId: run_id,
  jobId: job_id,
  version,
  trigger,
  depth: 0,
})

async function close(
  outcome: RunOutcome,
  outputSchema?: RunJobRequest['output_schema'],
): Promise<RunOutcome> {
  await CancellationScope.nonCancellable(() =>
    outputSchema === undefined ? closeRun(outcome) : closeRun(outcome, outputSchema),
  )
  return outcome
}
