import type { Caller } from '@opsconductor/auth'
import type { Deps } from '../deps.ts'
import { withdrawAll } from '../interfaces/withdraw.ts'
import { findWorkflow } from './find-workflow.ts'
import { removeWorkflow, selectWorkflowIds } from './store.ts'

/** Takes the workflow's interfaces off the gateway, then forgets it. Its runs go on. */
export async function deleteWorkflow(deps: Deps, caller: Caller, id: string): Promise<void> {
  const workflow = await findWorkflow(deps, caller, id)
  await forgetWorkflow(deps, workflow.id)
  deps.events.workflowDeleted(caller, workflow.id)
}

/** The same for all that a project has, before it is deleted itself. */
export async function deleteWorkflowsOf(deps: Deps, projectId: string): Promise<void> {
  for (const id of await selectWorkflowIds(deps.prisma, projectId)) await forgetWorkflow(deps, id)
}

async function forgetWorkflow(deps: Deps, id: string): Promise<void> {
  await withdrawAll(deps, { workflowId: id })
  await removeWorkflow(deps.prisma, id)
  // What the gateway still holds, because it could not be reached, is an orphan now.
  deps.publisher.reconcileSoon()
  // The call paths to it are gone with it; their Nexus endpoints are orphans.
  deps.endpoints.soon()
}
