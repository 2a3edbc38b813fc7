import type { Deps } from '../deps.ts'

/** Makes the first platform administrator from ADMIN_EMAIL and ADMIN_PASSWORD, once: where there is any user, nothing. */
export async function bootstrapAdmin({
  config,
  users,
  passwords,
  events,
}: Pick<Deps, 'config' | 'users' | 'passwords' | 'events'>): Promise<void> {
  const { ADMIN_EMAIL: email, ADMIN_PASSWORD: password } = config
  if (email === undefined || password === undefined || !(await users.isEmpty())) return
  const user = await users.createFirst({
    email,
    displayName: 'Administrator',
    passwordHash: await passwords.hash(password),
    isPlatformAdmin: true,
  })
  if (user !== undefined) events.userCreated(user.id, 'bootstrap')
}
