import { type Caller, projectOf } from '@opsconductor/auth'
import { asProject } from '../acting-project.ts'
import type { Deps } from '../deps.ts'
import { connectorNotFound } from './find-connector.ts'
import { type ShareRecord, selectShares } from './share-store.ts'
import { selectConnector } from './store.ts'

/** The projects that a connector of the caller's project is shared with. */
export function listShares({ pool }: Deps, caller: Caller, id: string): Promise<ShareRecord[]> {
  const projectId = projectOf(caller)
  return asProject(pool, projectId, async (client) => {
    const connector = await selectConnector(client, projectId, id)
    if (connector?.projectId !== projectId) throw connectorNotFound()
    return selectShares(client, connector.id)
  })
}
