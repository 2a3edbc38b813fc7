import { operationWorkflow, operationWorkflowIdOf } from '@opsconductor/contracts'
import type { Deps } from '../deps.ts'

const wakeMs = 3_000

/** What waits to try again tries at once. One that has ended, or a Temporal that is away, changes nothing. */
export async function wakeOperations(
  { temporal }: Pick<Deps, 'temporal'>,
  ids: Iterable<string>,
): Promise<void> {
  const { workflow } = temporal.clientFor(operationWorkflow.namespace)
  await Promise.allSettled(
    [...ids].map((id) =>
      temporal.connection.withDeadline(Date.now() + wakeMs, () =>
        workflow.getHandle(operationWorkflowIdOf(id)).signal(operationWorkflow.wake),
      ),
    ),
  )
}
