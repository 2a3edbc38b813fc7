import type { Caller } from '@opsconductor/auth'
import type { Role } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { MemberChanges } from './store.ts'

/**
 * Throws where the change from `before` to `after` (undefined: no member) is not the caller's to make: only an owner
 * makes and unmakes owners, and a project is never left without one.
 */
export async function assertOwnerRules(
  members: Pick<MemberChanges, 'otherOwners'>,
  caller: Caller,
  userId: string,
  { before, after }: { before: Role | undefined; after: Role | undefined },
): Promise<void> {
  if (before !== 'owner' && after !== 'owner') return
  if (caller.kind !== 'user' || caller.role !== 'owner')
    throw new AppError('forbidden', 'Only an owner of the project can make or unmake an owner.')
  if (before === 'owner' && after !== 'owner' && (await members.otherOwners(userId)) === 0)
    throw new AppError('conflict', 'The last owner of a project cannot be removed or get another role.')
}
