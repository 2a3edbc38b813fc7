import { namespaceOf } from '@opsconductor/contracts'
import { WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client'
import type { AwaitedUpdate } from './call-contract.ts'
import { fromTarget } from './call-error.ts'
import type { ProjectCallDeps } from './project-call-deps.ts'
import { assertOutput } from './schemas.ts'

/** Answers what the update does, for as long as that takes; asks for it where that has not come to pass yet. */
export async function waitForUpdate(
  { temporal }: Pick<ProjectCallDeps, 'temporal'>,
  projectId: string,
  { workflowId, name, input, updateId, outputSchema = null }: AwaitedUpdate,
  cancelled: AbortSignal,
): Promise<unknown> {
  const client = temporal.clientFor(namespaceOf(projectId))
  const handle = client.workflow.getHandle(workflowId)
  for (;;)
    try {
      const output = await client.withAbortSignal(cancelled, () =>
        handle.executeUpdate(name, { args: [input], updateId }),
      )
      assertOutput(outputSchema, output ?? null)
      return output ?? null
    } catch (error) {
      if (cancelled.aborted) throw cancelled.reason
      if (!(error instanceof WorkflowUpdateRPCTimeoutOrCancelledError)) throw fromTarget(error)
    }
}
