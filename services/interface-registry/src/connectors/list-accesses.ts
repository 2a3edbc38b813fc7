import { type Caller, projectOf } from '@opsconductor/auth'
import type { ConnectorAccess, ListConnectorAccesses } from '@opsconductor/contracts'
import { toPage } from '@opsconductor/service-kit'
import type { z } from 'zod'
import { asProject } from '../acting-project.ts'
import type { Deps } from '../deps.ts'
import { type AccessRecord, selectAccesses } from './access-store.ts'
import { connectorNotFound } from './find-connector.ts'
import { selectConnector } from './store.ts'

type Query = z.infer<typeof ListConnectorAccesses>

/** Who did what with a connector; the log of one that was deleted can still be read. */
export const listConnectorAccesses = (deps: Deps, caller: Caller, id: string, query: Query) =>
  listAccesses(deps, caller, id, query, async () => {
    const projectId = projectOf(caller)
    const found = await asProject(deps.pool, projectId, (client) => selectConnector(client, projectId, id))
    if (found === undefined) throw connectorNotFound()
  })

/** The same of any kind of connector; `find`, asked where the log shows the caller nothing, throws where there is none. */
export async function listAccesses(
  { pool }: Deps,
  caller: Caller,
  id: string,
  query: Query,
  find: () => Promise<unknown>,
) {
  const projectId = projectOf(caller)
  const accesses = await asProject(pool, projectId, (client) => selectAccesses(client, projectId, id, query))
  if (accesses.length === 0) await find()
  return toPage(accesses, query.limit, accessToWire)
}

const accessToWire = (access: AccessRecord): z.infer<typeof ConnectorAccess> => ({
  id: access.id,
  connector_id: access.connectorId,
  connector: access.connector,
  action: access.action,
  actor: access.actor,
  used_by_project_id: access.usedByProjectId,
  run_id: access.runId,
  step_id: access.stepId,
  success: access.success,
  reason: access.reason,
  created_at: access.createdAt.toISOString(),
})
