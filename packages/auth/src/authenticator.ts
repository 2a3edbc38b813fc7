import type { Memberships } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { Caller } from './caller.ts'
import type { KeyVerifier } from './key-verifier.ts'

export interface AuthenticatorOptions {
  keys: Pick<KeyVerifier, 'verify'>
  /** The user's id of a valid session token; throws invalid_session. */
  verifySession(token: string): Promise<string>
  memberships(userId: string): Promise<Memberships>
}

/** The request headers that say who calls; repeated headers are joined by the HTTP parser. */
export interface CredentialHeaders {
  authorization: string | undefined
  apiKey: string | undefined
  projectId: string | undefined
}

export type Authenticate = (headers: CredentialHeaders) => Promise<Caller>

/** Finds out who calls a management API: a person with a session, or a program with an API key. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticate {
  return async ({ authorization, apiKey, projectId }) => {
    if (authorization !== undefined) {
      const token = /^Bearer +([^ ]+)$/i.exec(authorization)?.[1]
      if (token === undefined) throw new AppError('invalid_session', 'Authorization must be a Bearer token.')
      const userId = await options.verifySession(token)
      return userCaller(userId, await options.memberships(userId), projectId)
    }
    if (apiKey !== undefined) {
      const key = await options.keys.verify(apiKey)
      if (projectId !== undefined && projectId !== key.project_id)
        throw new AppError('not_found', 'There is no such project.')
      return {
        kind: 'api_key',
        keyId: key.key_id,
        userId: key.user_id,
        projectId: key.project_id,
        publicInterfaceId: key.public_interface_id,
        scopes: key.scopes,
      }
    }
    throw new AppError(
      'missing_credentials',
      'Sign in (Authorization: Bearer) or send an X-API-Key with a manage: scope.',
    )
  }
}

function userCaller(userId: string, memberships: Memberships, named: string | undefined): Caller {
  const { items } = memberships
  const membership =
    named === undefined
      ? items.length === 1
        ? items[0]
        : undefined
      : items.find((m) => m.project_id === named)
  if (named !== undefined && membership === undefined)
    throw new AppError('not_found', 'There is no such project.')
  return {
    kind: 'user',
    userId,
    projectId: membership?.project_id ?? null,
    role: membership?.role ?? null,
    isPlatformAdmin: memberships.is_platform_admin,
  }
}
