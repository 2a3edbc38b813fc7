import { type Caller, projectOf } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import { asProject } from '../acting-project.ts'
import type { Deps } from '../deps.ts'
import { recordAccess } from './record-access.ts'
import { type ConnectorRecord, selectConnector } from './store.ts'

/** The same for what is not there and what is another project's. */
export const connectorNotFound = () =>
  new AppError('not_found', 'There is no such connector in this project.')

/** A connector that the caller's project owns or was given; who looked at it is logged. */
export function findConnector({ pool }: Deps, caller: Caller, id: string): Promise<ConnectorRecord> {
  const projectId = projectOf(caller)
  return asProject(pool, projectId, async (client) => {
    const found = await selectConnector(client, projectId, id)
    if (found === undefined) throw connectorNotFound()
    await recordAccess(client, caller, found, 'read')
    return found
  })
}
