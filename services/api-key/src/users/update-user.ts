import type { Caller } from '@opsconductor/auth'
import type { UpdateUser } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import type { User, UserChanges } from './store.ts'

/** Changes what the request names. A new password and deactivation end the user's sessions. */
export async function updateUser(
  deps: Pick<Deps, 'users' | 'passwords' | 'events' | 'now'>,
  caller: Caller,
  id: string,
  request: z.infer<typeof UpdateUser>,
): Promise<User> {
  const changes: UserChanges = {}
  if (request.display_name !== undefined) changes.displayName = request.display_name
  if (request.is_active !== undefined) changes.isActive = request.is_active
  if (request.is_platform_admin !== undefined) changes.isPlatformAdmin = request.is_platform_admin
  if (request.password !== undefined) changes.passwordHash = await deps.passwords.hash(request.password)
  const user = await deps.users.update(id, changes, {
    endSessions: request.password !== undefined || request.is_active === false,
    now: new Date(deps.now()),
  })
  if (user === undefined) throw new AppError('not_found', 'There is no such user.')
  deps.events.userUpdated(user.id, caller, Object.keys(request))
  return user
}
