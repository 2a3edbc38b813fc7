import { namespaceOf } from '@opsconductor/contracts'
import { retireNamespace } from '@opsconductor/temporal'
import type { Deps } from '../deps.ts'
import { deleteWorkflowsOf } from '../workflows/delete-workflow.ts'

/** Ends what runs in the project and lets nothing begin there again; then takes its interfaces off the gateway. */
export async function retireProject(deps: Deps, projectId: string): Promise<void> {
  await retireNamespace(deps.temporal, namespaceOf(projectId))
  await deleteWorkflowsOf(deps, projectId)
  deps.events.projectRetired(projectId)
}
