import type { Role } from '@opsconductor/contracts'

/** Who calls a public API, proven. */
export type Caller = UserCaller | KeyCaller

export interface UserCaller {
  kind: 'user'
  userId: string
  /** The project the request is about (X-Project-Id, or the user's only one); null where none was named. */
  projectId: string | null
  role: Role | null
  isPlatformAdmin: boolean
}

export interface KeyCaller {
  kind: 'api_key'
  keyId: string
  userId: string
  projectId: string
  publicInterfaceId: string | null
  scopes: readonly string[]
}

/** How a caller is written in audit columns. */
export function callerLabel(caller: Caller): string {
  return caller.kind === 'user' ? `user:${caller.userId}` : `api_key:${caller.keyId}`
}
