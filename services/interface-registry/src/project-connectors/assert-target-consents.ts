import { type Caller, fromRole, type UserCaller } from '@opsconductor/auth'
import { listMembershipsEndpoint } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'

const deciding = fromRole('admin')

/**
 * The target project's consent to who may call it and how: whoever decides it is an owner or admin there too. API keys
 * belong to one project and decide nothing for another. A project that does not exist is refused alike.
 */
export async function assertTargetConsents(
  { internal }: Pick<Deps, 'internal'>,
  caller: Caller,
  targetProjectId: string,
): Promise<UserCaller> {
  if (caller.kind !== 'user')
    throw new AppError('forbidden', 'API keys belong to one project; sign in as a person of both projects.')
  const { items } = await internal.call(listMembershipsEndpoint, { user_id: caller.userId })
  const membership = items.find(({ project_id }) => project_id === targetProjectId)
  if (membership === undefined || !deciding.includes(membership.role))
    throw new AppError(
      'forbidden',
      `This needs one of the roles ${deciding.join(', ')} in the target project too.`,
    )
  return caller
}
