import type { RunJobRequest, RunOutcome, runJobWorkflow, workflowIdOf } from '@opsconductor/contracts'
import {
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowCancellationType,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  uuid4,
} from '@temporalio/workflow'
import { pickVariables } from '../../templating/pick-variables.ts'
import { variablesWithin } from '../../templating/references.ts'
import type { TemplateScope } from '../../templating/render.ts'
import type { PlannedStep, RunFacts, StepPlace } from '../activity-contract.ts'
import type { ItemOutcome, LoopBatch } from './durable-step.ts'
import { failureOf } from './failure.ts'
import { type RunFrame, spend } from './run-frame.ts'

/** A parent that is terminated takes its children with it in good order. */
const childOptions = {
  cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
  parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
} as const

/** Beside the contract's, whose module brings zod. */
const depthMax: typeof import('@opsconductor/contracts').runDepthMax = 5
const runWorkflowId: typeof workflowIdOf = (runId) => `run-${runId}`

/** Runs another job of the project as a run of its own. */
export async function runOtherJob(
  frame: RunFrame,
  step: PlannedStep,
  { job, version, input }: Pick<RunJobRequest, 'job' | 'version' | 'input'>,
): Promise<{ run_id: string; output: unknown }> {
  if (frame.depth >= depthMax)
    throw ApplicationFailure.nonRetryable(
      `Runs nest deeper than ${depthMax}: a job may be running itself.`,
      'step_failed',
    )
  const runId = uuid4()
  const request: RunJobRequest = {
    ...{ job, input, run_id: runId },
    ...(version === undefined ? {} : { version }),
    trigger: { ...frame.trigger, kind: 'job' },
    parent: { run_id: frame.runId, depth: frame.depth + 1 },
    ...(frame.callChain.length === 0 ? {} : { call_chain: [...frame.callChain] }),
  }
  try {
    const outcome = await executeChild<(request: RunJobRequest) => Promise<RunOutcome>>(
      'runJob' satisfies (typeof runJobWorkflow)['type'],
      {
        ...childOptions,
        args: [request],
        workflowId: runWorkflowId(runId),
        staticSummary: `${step.id} (${job})`,
      },
    )
    return { run_id: runId, output: (outcome as { output?: unknown }).output ?? null }
  } catch (error) {
    if (CancellationScope.current().consideredCancelled) throw error
    const { code, message } = isCancellation(error)
      ? { code: 'step_failed', message: 'it was cancelled' }
      : failureOf(error)
    throw ApplicationFailure.nonRetryable(`The job ${job} failed: ${message} (run ${runId})`, code)
  }
}

/** What `runLoop` is started with: a part of a loop's items, and what its steps name of the run so far. */
export interface LoopPart {
  facts: RunFacts
  stepId: string
  item: string
  position: number
  scope: TemplateScope
  batch: LoopBatch
}

/** What steps of a loop may take from before it, in a workflow of its own. */
const scopeCharactersMax = 512 * 1024

/** Runs items of a loop in a workflow with a history of its own. */
export async function runLoopElsewhere(
  frame: RunFrame,
  step: PlannedStep,
  place: StepPlace,
  scope: TemplateScope,
  batch: LoopBatch,
): Promise<ItemOutcome[]> {
  const needed = pickVariables(variablesWithin(step.steps), scope)
  if (JSON.stringify(needed).length > scopeCharactersMax)
    throw ApplicationFailure.nonRetryable(
      `The steps of the loop name values of more than ${scopeCharactersMax} characters of before it.`,
      'template_error',
    )
  const part: LoopPart = {
    facts: {
      runId: frame.runId,
      jobId: '',
      version: 0,
      trigger: frame.trigger,
      depth: frame.depth,
      callChain: [...frame.callChain],
    },
    stepId: step.id,
    item: place.item ?? '',
    position: place.position,
    scope: needed,
    batch,
  }
  spend(frame, part)
  return await executeChild<(part: LoopPart) => Promise<ItemOutcome[]>>('runLoop', {
    ...childOptions,
    args: [part],
    workflowId: [
      `run-${frame.runId}`,
      step.id,
      ...(part.item === '' ? [] : [part.item]),
      batch.firstIndex,
    ].join(':'),
    staticSummary: `${step.id} (items from ${batch.firstIndex} on)`,
  })
}
