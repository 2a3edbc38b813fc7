import type { Caller } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { getKey } from './get-key.ts'
import { mayManage } from './key-grants.ts'

/** Ends a key for good; ending an ended one changes nothing. Operators end only their own. */
export async function revokeKey(
  deps: Pick<Deps, 'keys' | 'events'>,
  caller: Caller,
  id: string,
): Promise<void> {
  const apiKey = await getKey(deps, caller, id)
  const own = apiKey.userId === caller.userId
  if (!own && caller.kind === 'user' && !(caller.role !== null && mayManage(caller.role)))
    throw new AppError('forbidden', 'Only owners and admins can revoke the keys of others.')
  await deps.keys.revoke(apiKey.id)
  deps.events.keyChanged('revoked', caller, apiKey.id)
}
