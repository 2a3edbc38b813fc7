import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import type { User } from './store.ts'

export async function getUser({ users }: Pick<Deps, 'users'>, id: string): Promise<User> {
  const user = await users.find(id)
  if (user === null) throw new AppError('not_found', 'There is no such user.')
  return user
}
