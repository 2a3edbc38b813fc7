import { resolveConnectorEndpoint } from '@opsconductor/contracts'
import type { InternalClient } from '@opsconductor/service-kit'
import type { UsableConnector } from './usable-connector.ts'

/** Asks the registry what the connector is for the project; throws as `FindConnector` does. */
export async function resolveConnector(
  internal: Pick<InternalClient, 'call'>,
  projectId: string,
  reference: string,
): Promise<UsableConnector> {
  const connector = await internal.call(
    resolveConnectorEndpoint,
    { project_id: projectId },
    { params: { reference } },
  )
  return { ...connector, isShared: connector.project_id !== projectId.toLowerCase() }
}
