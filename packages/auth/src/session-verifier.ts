import { AppError } from '@opsconductor/errors'
import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose'

export const sessionIssuer = 'opsconductor'
export const sessionAudience = 'opsconductor'

/** The keys are asked for again at most this often when a token names one we do not have. */
const refetchMs = 10_000

/** Checks session tokens (EdDSA) against api-key's JWKS; answers the user's id. */
export function createSessionVerifier(fetchJwks: () => Promise<JSONWebKeySet>, now: () => number = Date.now) {
  let keys: ReturnType<typeof createLocalJWKSet> | undefined
  let fetchedAt = 0

  async function load(): Promise<ReturnType<typeof createLocalJWKSet>> {
    fetchedAt = now()
    keys = createLocalJWKSet(await fetchJwks())
    return keys
  }

  return async function verifySession(token: string): Promise<string> {
    const options = {
      issuer: sessionIssuer,
      audience: sessionAudience,
      algorithms: ['EdDSA'],
      requiredClaims: ['exp'],
      currentDate: new Date(now()),
    }
    try {
      const known = keys ?? (await load())
      const { payload } = await jwtVerify(token, known, options).catch(async (error) => {
        if (!(error instanceof errors.JWKSNoMatchingKey) || now() - fetchedAt < refetchMs) throw error
        return jwtVerify(token, await load(), options)
      })
      if (payload.sub === undefined) throw new errors.JWTInvalid('no sub')
      return payload.sub
    } catch (error) {
      if (error instanceof errors.JOSEError)
        throw new AppError('invalid_session', 'The session is not valid or has ended; sign in again.', {
          internal: { reason: error.code },
        })
      throw error
    }
  }
}
