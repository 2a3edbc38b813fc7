import { type Caller, projectOf } from '@opsconductor/auth'
import { assertMayManage, unknownServer } from '../client-limits/assert-may-manage.ts'
import type { Deps } from '../deps.ts'
import type { StoredServer } from './store.ts'

/** A server that the caller may manage, or `not_found`. */
export async function findServer(
  deps: Pick<Deps, 'servers' | 'clientLimits' | 'audit'>,
  caller: Caller,
  id: string,
): Promise<StoredServer> {
  await assertMayManage(deps, caller, [id])
  const server = await deps.servers.find(projectOf(caller), id)
  if (server === undefined) throw unknownServer()
  return server
}
