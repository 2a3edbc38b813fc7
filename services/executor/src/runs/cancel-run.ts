import { type Caller, callerLabel, projectOf } from '@opsconductor/auth'
import { namespaceOf } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { temporalUnavailable } from '@opsconductor/temporal'
import { WorkflowNotFoundError } from '@temporalio/client'
import type { ExecutorDeps } from '../deps.ts'
import { unknownRun } from './get-run.ts'
import type { Run } from './store.ts'

const cancelMs = 5_000

/** Asks a run to stop; its running step is stopped too. A run that has ended cannot be cancelled. */
export async function cancelRun(
  deps: Pick<ExecutorDeps, 'runs' | 'temporal' | 'events'>,
  caller: Caller,
  id: string,
): Promise<Run> {
  const projectId = projectOf(caller)
  const run = await deps.runs.find(projectId, id)
  if (run === undefined) throw unknownRun()
  if (run.finishedAt !== null) throw ended()
  const handle = deps.temporal.clientFor(namespaceOf(projectId)).workflow.getHandle(run.workflowId)
  try {
    await deps.temporal.connection.withDeadline(Date.now() + cancelMs, () => handle.cancel())
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw temporalUnavailable(error) ?? error
    await cancelWithoutWorkflow(deps, run)
  }
  deps.events.cancelAsked({ projectId, runId: id, by: callerLabel(caller) })
  return (await deps.runs.find(projectId, id)) ?? run
}

/** The workflow has ended in between, or it never began. */
async function cancelWithoutWorkflow({ runs }: Pick<ExecutorDeps, 'runs'>, run: Run): Promise<void> {
  if (run.status !== 'queued') throw ended()
  const error = { code: 'run_cancelled', message: 'The run was cancelled.', step_id: null }
  await runs.cancelQueued(run.id, error)
}

const ended = () => new AppError('conflict', 'The run has ended already.')
