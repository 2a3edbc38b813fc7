import type { operationWorkflow, operationWorkflowIdOf } from '@opsconductor/contracts'
import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  continueAsNew,
  defineSignal,
  getExternalWorkflowHandle,
  isCancellation,
  setHandler,
} from '@temporalio/workflow'
import type { Ended, OperationPlan } from '../operations/activity-contract.ts'
import { cancelItems, closeOperation, openOperation } from './activities.ts'
import { failureOf } from './failure.ts'
import type { OperationFrame } from './frame.ts'
import { goLater } from './pursue.ts'
import { isNotInterrupted, isRefused, isRefusedOrGivenUp, pursueOperation } from './pursue-operation.ts'
import { runBatch } from './run-batch.ts'
import { runDeployments } from './run-deployments.ts'

// The SDK takes a stack trace for every promise that a workflow makes (infra/decisions/0017).
Error.stackTraceLimit = 1

// Only the types of the contract are imported: the module itself brings zod, which every new workflow would load anew.
type Names = typeof operationWorkflow
const wakeSignal = defineSignal('wake' satisfies Names['wake'])
const settledSignal = defineSignal<[string]>('settled' satisfies Names['settled'])
const workflowIdOf = ((id) => `operation-${id}`) satisfies typeof operationWorkflowIdOf

/** One operation, from its row to its outcome; what failed for now is tried again until it succeeds. */
export async function runOperation(operationId: string): Promise<void> {
  const frame: OperationFrame = {
    operationId,
    wakes: 0,
    settled: new Set(),
    isLeaving: false,
    settle: async () => {},
  }
  setHandler(wakeSignal, () => {
    frame.wakes++
  })
  setHandler(settledSignal, (id) => {
    frame.settled.add(id)
  })
  const plan = await CancellationScope.nonCancellable(() => openOperation(operationId))
  if (plan === null) return
  frame.settle = () => tellBatch(plan, operationId)
  const ended = await perform(frame, plan).catch((error: unknown) => endOf(frame, plan, error))
  if (ended === goLater) return continueAsNew<typeof runOperation>(operationId)
  await CancellationScope.nonCancellable(async () => {
    await closeOperation(operationId, ended)
    await frame.settle()
  })
  if (ended.state === 'succeeded') return
  // Ends the workflow as cancelled or failed, so that Temporal's own page tells the truth.
  const { code, message } = ended.error
  throw ended.state === 'cancelled' && CancellationScope.current().consideredCancelled
    ? new CancelledFailure(message)
    : ApplicationFailure.nonRetryable(message, code)
}

async function perform(frame: OperationFrame, plan: OperationPlan): Promise<Ended | typeof goLater> {
  switch (plan.kind) {
    case 'issue':
    case 'renew':
      return pursueOperation(frame, plan, isRefused)
    case 'revoke':
      return pursueOperation(frame, plan, isRefusedOrGivenUp)
    case 'deploy':
      return runDeployments(frame, plan)
    case 'batch':
      return runBatch(frame, plan)
    default:
      return pursueOperation(frame, plan, isNotInterrupted)
  }
}

async function endOf(frame: OperationFrame, plan: OperationPlan, error: unknown): Promise<Ended> {
  if (!isCancellation(error)) {
    const { code, message } = failureOf(error)
    return { state: 'failed', error: { code, message } }
  }
  if (plan.kind === 'batch') await CancellationScope.nonCancellable(() => cancelItems(frame.operationId))
  return { state: 'cancelled', error: { code: 'run_cancelled', message: 'The operation was cancelled.' } }
}

/** A batch that has ended meanwhile is told nothing. */
async function tellBatch({ batchId }: OperationPlan, operationId: string): Promise<void> {
  if (batchId === null) return
  await getExternalWorkflowHandle(workflowIdOf(batchId))
    .signal(settledSignal, operationId)
    .catch(() => {})
}
