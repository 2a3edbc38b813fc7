import { AppError, type ErrorCode, errorCodes } from '@opsconductor/errors'
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  TerminatedFailure,
  type Workflow,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
} from '@temporalio/client'
import {
  getClient,
  startWorkflow,
  WorkflowRunOperationHandler,
  type WorkflowStartOptions,
} from '@temporalio/nexus'
import type * as nexus from 'nexus-rpc'
import type { Served } from './serve-call.ts'

/**
 * Begins the workflow whose result is the operation's. One that ran already, under the same id, is not begun
 * anew: its result, of which `outputOf` takes the output, is the answer.
 */
export async function beginWorkflow(
  ctx: nexus.StartOperationContext,
  type: string,
  options: WorkflowStartOptions<Workflow> & { workflowId: string },
  outputOf: (result: unknown) => unknown = (result) => result,
): Promise<Served> {
  const { workflowId } = options
  const backed = new WorkflowRunOperationHandler<null, unknown>(() =>
    startWorkflow<Workflow>(ctx, type, {
      ...options,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
    }),
  )
  try {
    return { workflowId, result: await backed.start(ctx, null) }
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
    const answer = (await resultOf(workflowId)) ?? null
    return { output: outputOf(answer), answer }
  }
}

async function resultOf(workflowId: string): Promise<unknown> {
  try {
    return await getClient().workflow.getHandle(workflowId).result()
  } catch (error) {
    const failure = error instanceof WorkflowFailedError ? error.cause : undefined
    const cause = failure instanceof ActivityFailure ? failure.cause : failure
    if (cause instanceof CancelledFailure || cause instanceof TerminatedFailure)
      throw new AppError('step_failed', 'What served the call was cancelled.', { cause: error })
    if (!(cause instanceof ApplicationFailure)) throw error
    const code = Object.hasOwn(errorCodes, cause.type ?? '') ? (cause.type as ErrorCode) : 'call_failed'
    throw new AppError(code, cause.message, { cause: error })
  }
}
