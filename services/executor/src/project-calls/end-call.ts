import type { CallTarget } from '@opsconductor/contracts'
import { AppError, type ErrorCode, errorCodes } from '@opsconductor/errors'
import { toStorableText } from '../json-limits.ts'
import type { CallFailure, EndedCall, OperationEnd } from './call-contract.ts'
import { workflowIdOf } from './operation-token.ts'
import type { ProjectCallDeps } from './project-call-deps.ts'
import { assertOutput } from './schemas.ts'
import type { CallKey } from './store.ts'

/** What a handler says of the path. A workflow that had begun may fail with the same codes, which are its own affair. */
const pathCodes = new Set<string>(['call_no_worker', 'target_failed'])

/** Writes how a call ended, for both projects and for the breaker; answers what the step fails with. */
export async function endCall(
  { store, events }: Pick<ProjectCallDeps, 'store' | 'events'>,
  call: CallKey & { sourceProjectId: string },
  end: OperationEnd,
  outputSchema: CallTarget['output_schema'],
): Promise<EndedCall> {
  const workflowId = end.status === 'begun' ? workflowIdOf(end.token) : undefined
  const failure = await failureOf(store, call, end, outputSchema)
  const outcome = end.status === 'cancelled' ? 'cancelled' : failure === undefined ? 'succeeded' : 'failed'
  // What serves a call that took too long is still at it, and is cancelled by the sweep.
  const isOver = failure?.code !== 'step_timeout' || end.status !== 'failed' || end.by !== 'timeout'
  const seconds = await store.end(call, { outcome, ...failure }, { workflowId, isOver })
  if (failure?.isOfPath) {
    const state = await store.pathFailed(call.connectorId, call.sourceProjectId)
    events.breakerChanged(call.connectorId, state)
  } else if (end.status !== 'cancelled') {
    await store.pathWorks(call.connectorId)
    events.breakerChanged(call.connectorId, 'closed')
  }
  events.connectorCallEnded(call, outcome, seconds, failure?.code)
  return {
    ...(failure === undefined ? {} : { failure }),
    ...(workflowId === undefined ? {} : { workflowId }),
  }
}

async function failureOf(
  store: ProjectCallDeps['store'],
  call: CallKey,
  end: OperationEnd,
  outputSchema: CallTarget['output_schema'],
): Promise<CallFailure | undefined> {
  if (end.status === 'succeeded') return faultOf(outputSchema, end.output)
  if (end.status !== 'failed') return undefined
  switch (end.by) {
    case 'application':
      return fromApplication(end)
    case 'cancellation':
      return failure('step_failed', 'The call was cancelled by the target.')
    case 'handler':
      return end.code === 'NOT_FOUND' || end.code === 'NOT_IMPLEMENTED'
        ? ofPath('call_no_worker', 'The worker of the target does not serve calls.')
        : ofPath('target_failed', `The worker of the target failed: ${end.message || end.code}`)
    case 'timeout':
      return (await store.wasServed(call))
        ? ofPath('step_timeout', 'The target did not answer in time.')
        : ofPath('call_no_worker', 'No worker of the target took the call in time.')
  }
}

/** Codes that are none of ours come from workflows and workers of users. */
function fromApplication({
  code,
  message,
  retryable,
  hadBegun = false,
}: Extract<OperationEnd, { by: 'application' }>): CallFailure {
  return Object.hasOwn(errorCodes, code)
    ? { code, message: toStorableText(message), retryable, isOfPath: !hadBegun && pathCodes.has(code) }
    : { code: 'call_failed', message: toStorableText(`${code}: ${message}`), retryable }
}

function faultOf(schema: CallTarget['output_schema'], output: unknown): CallFailure | undefined {
  try {
    assertOutput(schema, output)
    return undefined
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return { code: error.code, message: error.message, retryable: error.retryable }
  }
}

const failure = (code: ErrorCode, message: string): CallFailure => ({
  code,
  message: toStorableText(message),
  retryable: errorCodes[code].retryable,
})
const ofPath = (code: ErrorCode, message: string) => ({ ...failure(code, message), isOfPath: true })
