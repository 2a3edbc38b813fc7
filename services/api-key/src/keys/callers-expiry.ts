import type { Caller } from '@opsconductor/auth'
import type { Deps } from '../deps.ts'

/** When the key that asks expires; null for a person and for a key that does not. */
export async function callersExpiry({ keys }: Pick<Deps, 'keys'>, caller: Caller): Promise<Date | null> {
  if (caller.kind === 'user') return null
  return (await keys.find(caller.projectId, caller.keyId))?.expiresAt ?? null
}
