import { type Caller, projectOf } from '@opsconductor/auth'
import { asProject } from '../acting-project.ts'
import type { Deps } from '../deps.ts'
import { connectorNotFound } from './find-connector.ts'
import { recordAccess } from './record-access.ts'
import { announceConnector, lockOwnConnector, removeConnector } from './store.ts'

/** Deletes a connector of the caller's project with all its shares; its access log stays. */
export async function deleteConnector(deps: Deps, caller: Caller, id: string): Promise<void> {
  const projectId = projectOf(caller)
  const deleted = await asProject(deps.pool, projectId, async (client) => {
    const current = await lockOwnConnector(client, projectId, id)
    if (current === undefined) throw connectorNotFound()
    await recordAccess(client, caller, current, 'delete')
    await removeConnector(client, current.id)
    await announceConnector(client, current.id)
    return current
  })
  deps.events.connectorDeleted(caller, deleted)
}
