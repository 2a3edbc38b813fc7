import type { Caller } from '@opsconductor/auth'
import type { Deps } from '../deps.ts'
import { withdrawAll } from '../interfaces/withdraw.ts'
import { findWorkflow } from './find-workflow.ts'
import { removeWorkflow } from './store.ts'

/** Takes the workflow's interfaces off the gateway, then forgets it. Its runs go on. */
export async function deleteWorkflow(deps: Deps, caller: Caller, id: string): Promise<void> {
  const workflow = await findWorkflow(deps, caller, id)
  await withdrawAll(deps, { workflowId: workflow.id })
  await removeWorkflow(deps.prisma, workflow.id)
  // What the gateway still holds, because it could not be reached, is an orphan now.
  deps.publisher.reconcileSoon()
  deps.events.workflowDeleted(caller, workflow.id)
}
