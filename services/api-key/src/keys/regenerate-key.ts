import { type Caller, generateApiKey, hashApiKey } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { callersExpiry } from './callers-expiry.ts'
import { getKey } from './get-key.ts'
import { assertMayGrant } from './key-grants.ts'
import type { ApiKey } from './store.ts'

const ended = () => new AppError('conflict', 'The key was revoked or has expired; make a new one.')

/**
 * Gives the key a new secret; the old one stops working at once. Only for the maker's own keys: whoever gets the new
 * secret acts in the maker's name.
 */
export async function regenerateKey(
  deps: Pick<Deps, 'keys' | 'config' | 'events' | 'now'>,
  caller: Caller,
  id: string,
): Promise<{ apiKey: ApiKey; key: string }> {
  const before = await getKey(deps, caller, id)
  if (before.userId !== caller.userId)
    throw new AppError('forbidden', 'Only the maker of a key can regenerate it; revoke it and make your own.')
  assertMayGrant(caller, await callersExpiry(deps, caller), before)
  if (!before.isActive || (before.expiresAt !== null && before.expiresAt.getTime() <= deps.now()))
    throw ended()
  const { key, id: publicId } = generateApiKey()
  const apiKey = await deps.keys.replaceSecret(before.id, {
    keyHash: hashApiKey(key, deps.config.API_KEY_PEPPER),
    keyPrefix: publicId.slice(0, 4),
  })
  if (apiKey === undefined) throw ended()
  deps.events.keyChanged('regenerated', caller, apiKey.id)
  return { apiKey, key }
}
