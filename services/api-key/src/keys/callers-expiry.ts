import type { Caller } from '@opsconductor/auth'
import type { Deps } from '../deps.ts'
import { getKey } from './get-key.ts'

/** When the key that asks expires; null for a person and for a key that does not. */
export async function callersExpiry(deps: Pick<Deps, 'keys'>, caller: Caller): Promise<Date | null> {
  return caller.kind === 'user' ? null : (await getKey(deps, caller, caller.keyId)).expiresAt
}
