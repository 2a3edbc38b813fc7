import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { newRefreshToken } from './refresh-token.ts'
import type { SignedIn } from './sign-in.ts'

const noSession = () => new AppError('invalid_session', 'The session has ended; sign in again.')

/** A new access token and the next refresh token. A refresh token works once: shown again, it ends its family. */
export async function refreshSession(
  deps: Pick<Deps, 'sessions' | 'tokens' | 'events' | 'now'>,
  tokenHash: string | undefined,
): Promise<SignedIn> {
  if (tokenHash === undefined) throw noSession()
  const next = newRefreshToken()
  const now = deps.now()
  const rotation = await deps.sessions.rotate(tokenHash, next.tokenHash, new Date(now))
  if (rotation.outcome === 'reused') deps.events.refreshTokenReused(rotation)
  if (rotation.outcome !== 'rotated') throw noSession()
  deps.events.sessionRefreshed()
  return {
    accessToken: await deps.tokens.issue(rotation.userId),
    refreshToken: next.token,
    refreshSeconds: Math.floor((rotation.expiresAt.getTime() - now) / 1000),
  }
}
