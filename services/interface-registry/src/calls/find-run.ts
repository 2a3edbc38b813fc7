import { RunOutcome, workflowIdOf } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { type Client, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client'
import { ApplicationFailure, CancelledFailure, TerminatedFailure, TimeoutFailure } from '@temporalio/common'
import { parseOutcome } from './outcome-reply.ts'

/** What we leave on a run's workflow, to know later whose it is. */
export interface RunMemo {
  interface_id: string
  api_key_id: string
  body_hash: string
  registry_workflow_id: string
}

export interface FoundRun {
  runId: string
  memo: Partial<RunMemo>
  status: 'open' | 'closed'
}

const lookupMs = 5_000

/** The run's workflow as Temporal knows it; undefined where it knows none. */
export async function describeRun(client: Client, runId: string): Promise<FoundRun | undefined> {
  try {
    const { status, memo } = await client.withDeadline(Date.now() + lookupMs, () =>
      client.workflow.getHandle(workflowIdOf(runId)).describe(),
    )
    return { runId, memo: memo ?? {}, status: status.name === 'RUNNING' ? 'open' : 'closed' }
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined
    throw error
  }
}

/** How a closed run ended: its own words where it left some. */
export async function outcomeOfClosed(client: Client, { runId }: FoundRun): Promise<RunOutcome> {
  try {
    const result = await client.withDeadline(Date.now() + lookupMs, () =>
      client.workflow.getHandle(workflowIdOf(runId)).result(),
    )
    return parseOutcome(result)
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error
    return outcomeOfFailure(runId, error.cause)
  }
}

function outcomeOfFailure(runId: string, cause: unknown): RunOutcome {
  if (cause instanceof ApplicationFailure) {
    const told = RunOutcome.safeParse(cause.details?.[0])
    if (told.success) return told.data
    if (cause.type !== 'run_cancelled')
      return failed(runId, cause.type ?? 'step_failed', cause.message || 'The run failed.')
  }
  if (cause instanceof ApplicationFailure || cause instanceof CancelledFailure)
    return {
      run_id: runId,
      status: 'cancelled',
      error: { code: 'run_cancelled', message: 'The run was cancelled.', step_id: null },
    }
  if (cause instanceof TimeoutFailure) return failed(runId, 'step_timeout', 'The run took too long.')
  if (cause instanceof TerminatedFailure) return failed(runId, 'step_failed', 'The run was terminated.')
  throw new AppError('invalid_answer', 'The run ended in a way that we cannot read.', { cause })
}

const failed = (runId: string, code: string, message: string): RunOutcome => ({
  run_id: runId,
  status: 'failed',
  error: { code, message, step_id: null },
})
