import { type Caller, callerLabel, projectOf } from '@opsconductor/auth'
import type { ShareConnector } from '@opsconductor/contracts'
import { isForeignKeyViolation } from '@opsconductor/database'
import { invalidField } from '@opsconductor/errors'
import type { z } from 'zod'
import { asProject } from '../acting-project.ts'
import type { Deps } from '../deps.ts'
import { connectorNotFound } from './find-connector.ts'
import { recordAccess } from './record-access.ts'
import { insertShare, type ShareRecord, selectShares } from './share-store.ts'
import { announceConnector, lockOwnConnector } from './store.ts'

const sharesMax = 500
const path = 'body.project_id'

/** Lets another project use a connector of the caller's; to share it again changes nothing. */
export async function shareConnector(
  deps: Deps,
  caller: Caller,
  id: string,
  { project_id }: z.infer<typeof ShareConnector>,
): Promise<ShareRecord> {
  const ownerProjectId = projectOf(caller)
  const projectId = project_id.toLowerCase()
  if (projectId === ownerProjectId) throw invalidField(path, "is the connector's own project")
  const isIt = (share: ShareRecord) => share.projectId === projectId
  const { connector, share } = await asProject(deps.pool, ownerProjectId, async (client) => {
    const connector = await lockOwnConnector(client, ownerProjectId, id)
    if (connector === undefined) throw connectorNotFound()
    const shares = await selectShares(client, connector.id)
    const former = shares.find(isIt)
    if (former !== undefined) return { connector, share: former }
    if (shares.length >= sharesMax)
      throw invalidField(
        path,
        `must not be one more than ${sharesMax}: unshare it with another project first`,
      )
    await insertShare(client, {
      connectorId: connector.id,
      ownerProjectId,
      projectId,
      createdBy: callerLabel(caller),
    })
    await recordAccess(client, caller, connector, 'share', `project ${projectId}`)
    await announceConnector(client, connector.id)
    return { connector, share: (await selectShares(client, connector.id)).find(isIt) as ShareRecord }
  }).catch((error: unknown) => {
    if (isForeignKeyViolation(error)) throw invalidField(path, 'is not a project')
    throw error
  })
  deps.events.connectorShared(caller, connector, projectId)
  return share
}
