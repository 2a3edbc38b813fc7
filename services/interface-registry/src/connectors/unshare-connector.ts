import { type Caller, projectOf } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import { asProject } from '../acting-project.ts'
import type { Deps } from '../deps.ts'
import { connectorNotFound } from './find-connector.ts'
import { recordAccess } from './record-access.ts'
import { removeShare } from './share-store.ts'
import { announceConnector, lockOwnConnector } from './store.ts'

/** Takes a share back: the next step of the other project that wants the connector fails. */
export async function unshareConnector(
  deps: Deps,
  caller: Caller,
  id: string,
  projectId: string,
): Promise<void> {
  const ownerProjectId = projectOf(caller)
  const connector = await asProject(deps.pool, ownerProjectId, async (client) => {
    const connector = await lockOwnConnector(client, ownerProjectId, id)
    if (connector === undefined) throw connectorNotFound()
    if (!(await removeShare(client, connector.id, projectId)))
      throw new AppError('not_found', 'The connector is not shared with this project.')
    await recordAccess(client, caller, connector, 'unshare', `project ${projectId}`)
    await announceConnector(client, connector.id)
    return connector
  })
  deps.events.connectorUnshared(caller, connector, projectId)
}
