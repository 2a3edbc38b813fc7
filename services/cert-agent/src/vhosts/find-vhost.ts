import type { Caller } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { findServer } from '../servers/find-server.ts'
import type { StoredServer } from '../servers/store.ts'
import type { StoredVhost } from './store.ts'

export const unknownVhost = () => new AppError('not_found', 'There is no such virtual host.')

/** A virtual host of a server that the caller may manage, or `not_found`. */
export async function findVhost(
  deps: Pick<Deps, 'servers' | 'vhosts' | 'clientLimits' | 'audit'>,
  caller: Caller,
  { id, vhost_id: vhostId }: { id: string; vhost_id: string },
): Promise<{ server: StoredServer; vhost: StoredVhost }> {
  const server = await findServer(deps, caller, id)
  const vhost = await deps.vhosts.find(server.id, vhostId)
  if (vhost === undefined) throw unknownVhost()
  return { server, vhost }
}
