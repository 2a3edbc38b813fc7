import { AppError } from '@opsconductor/errors'
import { errors } from 'jose'
import { createTokenVerifier, type FetchJwks } from './fetched-keys.ts'

export const sessionIssuer = 'opsconductor'
export const sessionAudience = 'opsconductor'

/** Checks session tokens (EdDSA) against api-key's JWKS; answers the user's id. */
export function createSessionVerifier(fetchJwks: FetchJwks, now: () => number = Date.now) {
  const verify = createTokenVerifier(fetchJwks, now)

  return async function verifySession(token: string): Promise<string> {
    try {
      const { sub } = await verify(token, {
        issuer: sessionIssuer,
        audience: sessionAudience,
        requiredClaims: ['exp'],
      })
      if (sub === undefined) throw new errors.JWTInvalid('no sub')
      return sub
    } catch (error) {
      if (error instanceof errors.JOSEError)
        throw new AppError('invalid_session', 'The session is not valid or has ended; sign in again.', {
          internal: { reason: error.code },
        })
      throw error
    }
  }
}
