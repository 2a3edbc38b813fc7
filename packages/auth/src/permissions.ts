import { type Role, roles } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { Caller } from './caller.ts'

/**
 * Who may do an action.
 * - `roles` and `scope`: people with one of the roles in the project, and keys of the project with the scope; null: no
 *   key, whatever its scopes;
 * - `anyone: 'user'`: any signed-in person, project or not;
 * - `anyone: 'platform_admin'`: only platform administrators.
 */
export type Permission =
  | { roles: readonly Role[]; scope: string | null }
  | { anyone: 'user' | 'platform_admin' }
export type Permissions = Readonly<Record<string, Permission>>

/** `least` and every role above it. */
export function fromRole(least: Role): readonly Role[] {
  return roles.slice(0, roles.indexOf(least) + 1)
}

/** True where one of the key's scopes covers `needed`: itself, its noun without `:read`, or `manage:*`. */
export function scopeCovers(scopes: readonly string[], needed: string): boolean {
  return scopes.some((scope) => scope === needed || scope === 'manage:*' || `${scope}:read` === needed)
}

/** Throws `forbidden` unless the caller may do the action; an unknown action is a defect and allows nobody. */
export function assertAllowed(permissions: Permissions, action: string, caller: Caller): void {
  const permission = permissions[action]
  if (permission === undefined) throw new Error(`no permission is declared for the action ${action}`)
  if ('anyone' in permission) {
    if (caller.kind !== 'user') throw notForKeys()
    if (permission.anyone === 'platform_admin' && !caller.isPlatformAdmin)
      throw new AppError('forbidden', 'Only platform administrators can do this.')
    return
  }
  if (caller.kind === 'api_key') {
    if (permission.scope === null) throw notForKeys()
    if (!scopeCovers(caller.scopes, permission.scope))
      throw new AppError('forbidden', `The API key needs the scope ${permission.scope}.`)
    return
  }
  projectOf(caller)
  if (caller.role === null || !permission.roles.includes(caller.role))
    throw new AppError(
      'forbidden',
      `This needs one of the roles ${permission.roles.join(', ')} in the project.`,
    )
}

const notForKeys = () => new AppError('forbidden', 'API keys cannot do this; sign in as a person.')

/** The project that a request is about. */
export function projectOf(caller: Caller): string {
  if (caller.projectId !== null) return caller.projectId
  throw new AppError('invalid_request', 'Name the project in the X-Project-Id header.', {
    errors: [
      { path: 'header.X-Project-Id', message: 'is needed: you are a member of none or of several projects' },
    ],
  })
}
