import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import type { StoredOperation } from '../operations/store.ts'
import { type Discovery, discoverVhosts } from './discover-vhosts.ts'

export async function performDiscovery(
  deps: Parameters<typeof discoverVhosts>[0] & Pick<Deps, 'leases'>,
  { id: operationId, projectId, serverId, actor }: StoredOperation,
  signal: AbortSignal,
): Promise<Discovery> {
  // It was deleted meanwhile.
  if (serverId === null) throw new AppError('not_found', 'There is no such server.')
  // By one at a time, so that each finds what the one before has written.
  return deps.leases.withLease(`discover:${serverId}`, signal, (held) =>
    discoverVhosts(deps, { projectId, serverId, operationId, actor, signal: held }),
  )
}
