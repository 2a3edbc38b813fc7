import { projectCalls } from '@opsconductor/temporal/nexus'
import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  createNexusServiceClient,
  NexusOperationCancellationType,
  sleep,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/workflow'
import type { PlannedStep, StepPlace } from '../../run-job/activity-contract.ts'
import { beginCall, endCall } from '../../run-job/workflow/activities.ts'
import type { RunFrame } from '../../run-job/workflow/run-frame.ts'
import type { AskedCall, CallFailure, OpenedCall, OperationEnd } from '../call-contract.ts'

/** A grant, names and a schema of at most 64 KB. */
const begunBytesMax = 80 * 1024
const endedBytesMax = 4 * 1024

export interface CallRequest extends Pick<AskedCall, 'connector' | 'operation' | 'input'> {
  /** False: the call is over once the target has begun. */
  wait?: boolean
  /** How often the path to the target is tried. */
  attempts?: number
}

/** `operation_token` where it was not waited for: what Nexus calls the operation by. */
export type CallAnswer = { output: unknown } | { operation_token: string | null; workflow_id: string | null }

const delaySecondsMax = 30
const textMax = 1_000
const codeMax = 100

/** Calls another project's interface; answers what it answered. Each attempt has the call's ids: nothing is done twice. */
export async function callProject(
  frame: RunFrame,
  step: Pick<PlannedStep, 'timeoutSeconds'>,
  place: StepPlace,
  request: CallRequest,
): Promise<CallAnswer> {
  for (let attempt = 1; ; attempt++) {
    const answer = await callOnce(frame, step, place, request)
    if (!('failure' in answer)) return answer
    const { code, message, retryable, isOfPath } = answer.failure
    if (!isOfPath || attempt >= (request.attempts ?? 1))
      throw ApplicationFailure.create({ type: code, message, nonRetryable: !retryable })
    await sleep(Math.min(2 ** attempt, delaySecondsMax) * 1000)
  }
}

async function callOnce(
  frame: RunFrame,
  step: Pick<PlannedStep, 'timeoutSeconds'>,
  place: StepPlace,
  { connector, operation, input, wait = true }: CallRequest,
): Promise<CallAnswer | { failure: CallFailure }> {
  const asked = { connector, operation, input, chain: frame.callChain, timeoutSeconds: step.timeoutSeconds }
  const begun = await frame.local.run(begunBytesMax, () => beginCall(place, asked))
  if (begun.failure !== null) return { failure: begun.failure }
  let end: OperationEnd
  try {
    end = await operate(begun, operation, input, wait)
  } catch (error) {
    if (!CancellationScope.current().consideredCancelled) end = endOf(error)
    else {
      await conclude(frame, place, operation, begun, { status: 'cancelled' })
      throw error
    }
  } finally {
    frame.local.emptied()
  }
  const { failure, workflowId } = await conclude(frame, place, operation, begun, end)
  if (failure !== undefined) return { failure }
  if (end.status === 'succeeded') return { output: end.output }
  const token = end.status === 'begun' ? end.token : undefined
  return { operation_token: token ?? null, workflow_id: workflowId ?? null }
}

async function operate(
  { endpoint, grant, seconds, answersRun }: OpenedCall,
  operation: AskedCall['operation'],
  input: unknown,
  wait: boolean,
): Promise<OperationEnd> {
  const client = createNexusServiceClient({ endpoint, service: projectCalls })
  const handle = await client.startOperation(
    operation,
    { grant, input },
    {
      scheduleToCloseTimeout: seconds * 1000,
      cancellationType: NexusOperationCancellationType.WAIT_CANCELLATION_COMPLETED,
    },
  )
  if (!wait && handle.token !== undefined) return { status: 'begun', token: handle.token }
  const result = await handle.result()
  return { status: 'succeeded', output: (answersRun ? outputOf(result) : result) ?? null }
}

/** A run answers its outcome; a worker of the user's own may answer in its place. */
function outputOf(result: unknown): unknown {
  const { run_id: runId, status, output } = (result ?? {}) as Record<string, unknown>
  return typeof runId === 'string' && status === 'succeeded' ? output : result
}

/** What is done must be written, also where the run was cancelled. */
const conclude = (
  frame: RunFrame,
  place: StepPlace,
  operation: AskedCall['operation'],
  begun: OpenedCall,
  end: OperationEnd,
) =>
  CancellationScope.nonCancellable(() =>
    frame.local.run(endedBytesMax, () => endCall(place, operation, begun, end)),
  )

/** What a failed operation is caused by, in plain data. */
export function endOf(error: unknown): OperationEnd {
  let application: ApplicationFailure | undefined
  let hadBegun = false
  for (let at = error, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth++) {
    if (at.name === 'NexusOperationFailure')
      hadBegun = Boolean((at as { operationToken?: unknown }).operationToken)
    if (at instanceof TimeoutFailure) return { status: 'failed', by: 'timeout' }
    if (at instanceof CancelledFailure || at instanceof TerminatedFailure)
      return { status: 'failed', by: 'cancellation' }
    if (at.name === 'HandlerError' && application === undefined && !(at.cause instanceof ApplicationFailure))
      return {
        status: 'failed',
        by: 'handler',
        code: String((at as { type?: unknown }).type),
        message: at.message.slice(0, textMax),
      }
    if (at instanceof ApplicationFailure) application = at
  }
  if (application === undefined) return { status: 'failed', by: 'handler', code: 'UNKNOWN', message: '' }
  const { type, message, nonRetryable } = application
  return {
    ...{ status: 'failed', by: 'application' },
    code: (type ?? 'target_failed').slice(0, codeMax),
    message: message.slice(0, textMax),
    retryable: nonRetryable !== true,
    hadBegun,
  }
}
