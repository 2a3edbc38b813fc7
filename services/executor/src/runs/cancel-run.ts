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
  const isAsked = await deps.temporal.connection
    .withDeadline(Date.now() + cancelMs, async () => {
      // A workflow that has ended takes the request as well.
      if ((await handle.describe()).status.name !== 'RUNNING') return false
      await handle.cancel()
      return true
    })
    .catch((error) => {
      if (error instanceof WorkflowNotFoundError) return false
      throw temporalUnavailable(error) ?? error
    })
  if (!isAsked) await cancelWithoutWorkflow(deps, run)
  deps.events.cancelAsked({ projectId, runId: id, by: callerLabel(caller) })
  return (await deps.runs.find(projectId, id)) ?? run
}

/** The workflow has ended in between, it never began, or it was terminated, which leaves its row as it was. */
async function cancelWithoutWorkflow({ runs }: Pick<ExecutorDeps, 'runs'>, run: Run): Promise<void> {
  const error = { code: 'run_cancelled', message: 'The run was cancelled.', step_id: null }
  if (!(await runs.cancelAbandoned(run.id, error))) throw ended()
}

const ended = () => new AppError('conflict', 'The run has ended already.')
