import { Id, type ResolvedConnector } from '@opsconductor/contracts'
import { asProject } from '../acting-project.ts'
import type { Deps } from '../deps.ts'
import { connectorNotFound } from './find-connector.ts'
import { selectConnector, selectConnectorByName } from './store.ts'

/** An active connector by the name of one of the project's own, or by the id of one that it may use. */
export async function resolveConnector(
  { pool }: Deps,
  projectId: string,
  reference: string,
): Promise<ResolvedConnector> {
  const select = Id.safeParse(reference).success ? selectConnector : selectConnectorByName
  const found = await asProject(pool, projectId, (client) => select(client, projectId, reference))
  if (!found?.isActive) throw connectorNotFound()
  return {
    id: found.id,
    version: found.version,
    project_id: found.projectId,
    name: found.name,
    kind: found.kind,
    settings: found.settings as ResolvedConnector['settings'],
    has_credential: found.credentialId !== null || found.hasCredentials,
  }
}
