import {
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose'

/** The keys are asked for again at most this often when a token names one we do not have. */
const refetchMs = 10_000
/** And whenever they are older than this, so that a key that was withdrawn does not open anything for ever. */
const ageMsMax = 600_000

export type FetchJwks = () => Promise<JSONWebKeySet>
export type VerifyToken = (token: string, options: JWTVerifyOptions) => Promise<JWTPayload>

/** Verifies tokens (EdDSA alone) by a key set that another service publishes. Throws jose's errors. */
export function createTokenVerifier(fetchJwks: FetchJwks, now: () => number = Date.now): VerifyToken {
  let keys: ReturnType<typeof createLocalJWKSet> | undefined
  let fetchedAt = 0

  async function load(): Promise<ReturnType<typeof createLocalJWKSet>> {
    fetchedAt = now()
    keys = createLocalJWKSet(await fetchJwks())
    return keys
  }

  async function present(): Promise<ReturnType<typeof createLocalJWKSet>> {
    const former = keys
    if (former === undefined) return load()
    // The service that publishes them may be away: it is asked again after the same time.
    return now() - fetchedAt < ageMsMax ? former : load().catch(() => former)
  }

  return async (token, options) => {
    const asked = { ...options, algorithms: ['EdDSA'], currentDate: new Date(now()) }
    const { payload } = await jwtVerify(token, await present(), asked).catch(async (error) => {
      if (!(error instanceof errors.JWKSNoMatchingKey) || now() - fetchedAt < refetchMs) throw error
      return jwtVerify(token, await load(), asked)
    })
    return payload
  }
}
