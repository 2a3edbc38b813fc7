import { type Caller, callerLabel } from '@opsconductor/auth'
import type { CreateUser } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import type { User } from './store.ts'

/** Makes a user; throws `conflict` where the e-mail is taken. */
export async function createUser(
  { users, passwords, events }: Pick<Deps, 'users' | 'passwords' | 'events'>,
  caller: Caller,
  request: z.infer<typeof CreateUser>,
): Promise<User> {
  const user = await users.create({
    email: request.email,
    displayName: request.display_name,
    passwordHash: await passwords.hash(request.password),
    isPlatformAdmin: request.is_platform_admin,
  })
  events.userCreated(user.id, callerLabel(caller))
  return user
}
