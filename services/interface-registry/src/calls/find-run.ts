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
  /** Of the update that started the run. */
  update_id: string
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

/** How a closed run ended: as it told the call that started it, or else as Temporal knows it. */
export async function outcomeOfClosed(client: Client, { runId, memo }: FoundRun): Promise<RunOutcome> {
  const handle = client.workflow.getHandle(workflowIdOf(runId))
  try {
    return parseOutcome(await client.withDeadline(Date.now() + lookupMs, () => handle.result()))
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error
    // The workflow's own failure names no step. The update that waited for it does, where it was taken in time.
    const told = await client
      .withDeadline(Date.now() + lookupMs, () => handle.getUpdateHandle(memo.update_id ?? '').result())
      .catch(() => undefined)
    return RunOutcome.safeParse(told).data ?? outcomeOfFailure(runId, error.cause)
  }
}

function outcomeOfFailure(runId: string, cause: unknown): RunOutcome {
  if (cause instanceof CancelledFailure)
    return {
      run_id: runId,
      status: 'cancelled',
      error: { code: 'run_cancelled', message: 'The run was cancelled.', step_id: null },
    }
  if (cause instanceof ApplicationFailure)
    return failed(runId, cause.type ?? 'step_failed', cause.message || 'The run failed.')
  if (cause instanceof TimeoutFailure) return failed(runId, 'step_timeout', 'The run took too long.')
  if (cause instanceof TerminatedFailure) return failed(runId, 'step_failed', 'The run was terminated.')
  throw new AppError('invalid_answer', 'The run ended in a way that we cannot read.', { cause })
}

const failed = (runId: string, code: string, message: string): RunOutcome => ({
  run_id: runId,
  status: 'failed',
  error: { code, message, step_id: null },
})
