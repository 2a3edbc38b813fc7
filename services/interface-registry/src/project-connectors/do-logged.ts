import type { Caller } from '@opsconductor/auth'
import { asProject } from '../acting-project.ts'
import { recordAccess } from '../connectors/record-access.ts'
import type { Deps } from '../deps.ts'
import { announceProjectConnector, type ProjectConnectorRecord } from './store.ts'

type Work<T> = Parameters<typeof asProject<T>>[2]

/** Changes a connector and logs who did, in one transaction, of which whoever remembers the connector is told. */
export const doLogged = <T>(
  { pool }: Pick<Deps, 'pool'>,
  caller: Caller,
  { id, sourceProjectId, name }: Pick<ProjectConnectorRecord, 'id' | 'sourceProjectId' | 'name'>,
  action: 'create' | 'update' | 'delete',
  work: Work<T>,
): Promise<T> =>
  asProject(pool, sourceProjectId, async (client) => {
    const result = await work(client)
    await recordAccess(client, caller, { id, projectId: sourceProjectId, name }, action)
    await announceProjectConnector(client, id)
    return result
  })
