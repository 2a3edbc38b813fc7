import { namespaceOf, runJobWorkflow, workflowIdOf } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { Reply } from '@opsconductor/service-kit'
import type { Call, CallContext } from './call-context.ts'
import { describeRun } from './find-run.ts'
import { runIdOf } from './run-reference.ts'
import { fromTemporal } from './temporal-errors.ts'

const signalMs = 5_000

/** A job's `cancel` interface: asks a run of its workflow to stop. 202: the run decides when it has. */
export async function cancelRun({ deps, target }: CallContext, call: Call): Promise<Reply> {
  const runId = runIdOf(call.input)
  const client = deps.temporal.clientFor(namespaceOf(target.projectId))
  try {
    const run = await describeRun(client, runId)
    if (run?.memo.registry_workflow_id !== target.workflowId)
      throw new AppError('not_found', 'There is no such run.')
    if (run.status === 'closed') throw new AppError('conflict', 'The run has ended already.')
    await client.withDeadline(Date.now() + signalMs, () =>
      client.workflow.getHandle(workflowIdOf(runId)).signal(runJobWorkflow.signal),
    )
  } catch (error) {
    throw fromTemporal(error)
  }
  call.setRunId(runId)
  return { status: 202, body: { run_id: runId, status: 'running' } }
}
