import type { Caller } from '@opsconductor/auth'
import { retireNamespaceEndpoint, retireNamespaceMsMax } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { getProject } from './get-project.ts'

/**
 * Has what runs in the project end first, for which it needs all that is the project's. Where that fails the project
 * stays, and deleting it is to be tried again.
 */
export async function deleteProject(
  deps: Pick<Deps, 'projects' | 'registry' | 'events'>,
  caller: Caller,
  { id, confirm }: { id: string; confirm: string },
): Promise<void> {
  const project = await getProject(deps, caller, id)
  if (confirm !== project.name)
    throw new AppError('validation_failed', "query.confirm must be the project's name.", {
      errors: [{ path: 'query.confirm', message: "must be the project's name" }],
    })
  await deps.registry.call(
    retireNamespaceEndpoint,
    {},
    { params: { id: project.id }, timeoutMs: retireNamespaceMsMax },
  )
  if (await deps.projects.remove(project.id)) deps.events.projectDeleted(project.id, caller)
}
