import {
  ActivityCancellationType,
  type ActivityFunction,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow'
import type { PlannedStep, RunJobActivities, StepRequest } from '../activity-contract.ts'
import { resultBytesMax } from '../result-limits.ts'
import type { RunFrame } from './run-frame.ts'

/** Our own database, so local: without a round through the server. Retried for ever: it comes back. */
export const { openRun, openLoop, beginStep, endStep, keepValue, endCall, closeRun } = proxyLocalActivities<
  Omit<RunJobActivities, 'runStep'>
>({
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '100 milliseconds', backoffCoefficient: 2, maximumInterval: '5 seconds' },
})

/** Waits for the other project's worker, too. The step's own time limits how often it is tried again. */
export const { beginCall } = proxyLocalActivities<Pick<RunJobActivities, 'beginCall'>>({
  startToCloseTimeout: '40 seconds',
  retry: { initialInterval: '100 milliseconds', backoffCoefficient: 2, maximumInterval: '5 seconds' },
})

/** A step ends itself when its time is up. The margin is for what stands around it: waiting out a database restart. */
const timeoutMarginSeconds = 60
/**
 * A worker that is dead is noticed after this. Steps hear of a cancellation with their next heartbeat, which is sent
 * every half second; the rest is for an event loop that is busy (decision 0013).
 */
const heartbeatTimeout = '5 seconds'

type RunStep = { runStep: ActivityFunction<[StepRequest], unknown> }

/** One step as an activity, repeated as its plan says. */
export async function runStepActivity(
  frame: Pick<RunFrame, 'local'>,
  step: PlannedStep,
  request: StepRequest,
): Promise<unknown> {
  const options = {
    startToCloseTimeout: (request.timeoutSeconds + timeoutMarginSeconds) * 1000,
    // The step says itself whether it was stopped or came to its end first.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      maximumAttempts: request.attempt === undefined ? step.attemptsMax : 1,
      initialInterval: step.retry?.initialMs ?? 500,
      backoffCoefficient: step.retry?.factor ?? 2,
      maximumInterval: step.retry?.maxMs ?? 30_000,
    },
    summary: `${step.id}${request.item ? `[${request.item}]` : ''} (${step.type})`,
  }
  const local =
    step.mode === 'local'
      ? frame.local.tryRun(resultBytesMax, () => proxyLocalActivities<RunStep>(options).runStep(request))
      : undefined
  if (local !== undefined) return await local
  try {
    return await proxyActivities<RunStep>({ ...options, heartbeatTimeout }).runStep(request)
  } finally {
    frame.local.emptied()
  }
}
