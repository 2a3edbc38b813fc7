import { operationWorkflow, operationWorkflowIdOf } from '@opsconductor/contracts'
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client'
import { endOperation } from './end-operation.ts'
import type { OperationDeps } from './operation-deps.ts'
import type { StoredOperation } from './store.ts'

const startMs = 3_000

/** Starts the operation's workflow where it has none; as often as one likes. Throws while Temporal is away. */
export async function startWorkflow(deps: OperationDeps, { id }: Pick<StoredOperation, 'id'>): Promise<void> {
  const { temporal, config } = deps
  try {
    await temporal.connection.withDeadline(Date.now() + startMs, () =>
      temporal.clientFor(operationWorkflow.namespace).workflow.start(operationWorkflow.type, {
        taskQueue: config.TEMPORAL_TASK_QUEUE,
        workflowId: operationWorkflowIdOf(id),
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        args: [id],
      }),
    )
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
    // It has ended, and would have closed the row itself unless somebody ended it for us.
    await endOperation(deps, id, {
      state: 'failed',
      error: { code: 'internal_error', message: 'The operation was ended from outside, without an outcome.' },
    })
  }
}
