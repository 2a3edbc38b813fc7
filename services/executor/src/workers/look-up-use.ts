import { namespaceOf, runJobWorkflow } from '@opsconductor/contracts'
import type { Temporal } from '@opsconductor/temporal'
import { NamespaceNotFoundError } from '@temporalio/client'

export type Use = 'used' | 'unused' | 'no_namespace'

const countMs = 5_000

/**
 * Whether a workflow on our task queue of the project's namespace is open, or ended within the last `recentMs`: any
 * Temporal client may have started it. Throws where Temporal does not answer.
 */
export async function lookUpUse(
  { connection, clientFor }: Pick<Temporal, 'connection' | 'clientFor'>,
  projectId: string,
  recentMs: number,
): Promise<Use> {
  const since = new Date(Date.now() - recentMs).toISOString()
  const { workflow } = clientFor(namespaceOf(projectId))
  try {
    const { count } = await connection.withDeadline(Date.now() + countMs, () =>
      workflow.count(
        `TaskQueue = '${runJobWorkflow.taskQueue}' AND (ExecutionStatus = 'Running' OR CloseTime > '${since}')`,
      ),
    )
    return count > 0 ? 'used' : 'unused'
  } catch (error) {
    if (error instanceof NamespaceNotFoundError) return 'no_namespace'
    throw error
  }
}
