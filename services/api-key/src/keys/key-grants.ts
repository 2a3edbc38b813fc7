import { type Caller, scopeCovers } from '@opsconductor/auth'
import type { Role } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'

/** Whose keys may hold `manage:` scopes; also checked at every use, for a maker whose role was lowered since. */
export const mayManage = (role: Role): boolean => role === 'owner' || role === 'admin'

export interface Grant {
  scopes: readonly string[]
  publicInterfaceId: string | null
  expiresAt: Date | null
}

/** Throws `forbidden` where the key would open more, or live longer, than what its maker asks with. */
export function assertMayGrant(caller: Caller, callersExpiry: Date | null, grant: Grant): void {
  if (caller.kind === 'user') {
    if (grant.scopes.length > 0 && !(caller.role !== null && mayManage(caller.role)))
      throw new AppError('forbidden', 'Only owners and admins can give a key manage: scopes.')
    return
  }
  const missing = grant.scopes.find((scope) => !scopeCovers(caller.scopes, scope))
  if (missing !== undefined)
    throw new AppError('forbidden', `The API key lacks the scope ${missing}, so it cannot give it.`)
  if (caller.publicInterfaceId !== null && caller.publicInterfaceId !== grant.publicInterfaceId)
    throw new AppError('forbidden', 'The API key is bound to one public interface; so must be the new key.')
  if (callersExpiry !== null && (grant.expiresAt === null || grant.expiresAt > callersExpiry))
    throw new AppError('forbidden', 'The new key cannot live longer than the API key that makes it.')
}
