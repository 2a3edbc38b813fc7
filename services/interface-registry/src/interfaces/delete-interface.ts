import type { Caller } from '@opsconductor/auth'
import type { Deps } from '../deps.ts'
import { findInterface } from './find-interface.ts'
import { removeInterface } from './store.ts'
import { withdrawAll } from './withdraw.ts'

/** Takes the interface off the gateway, then forgets it; API keys bound to it go with it. */
export async function deleteInterface(deps: Deps, caller: Caller, id: string): Promise<void> {
  const found = await findInterface(deps, caller, id)
  await withdrawAll(deps, { id: found.id })
  await removeInterface(deps.prisma, found.id)
  // What the gateway still holds, because it could not be reached, is an orphan now.
  deps.publisher.reconcileSoon()
  // The call paths to it are gone with it; their Nexus endpoints are orphans.
  deps.endpoints.soon()
  deps.events.interfaceDeleted(caller, found.id)
}
