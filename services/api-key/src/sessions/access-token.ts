import { createPublicKey, type KeyObject } from 'node:crypto'
import { sessionAudience, sessionIssuer } from '@opsconductor/auth'
import { calculateJwkThumbprint, exportJWK, type JWK, SignJWT } from 'jose'

export const accessTokenSeconds = 600

export interface AccessTokens {
  /** A session token of the user, valid for `accessTokenSeconds`. */
  issue(userId: string): Promise<string>
  /** What tokens are checked with (RFC 7517). */
  jwks: { keys: JWK[] }
}

/** Signs session tokens with `privateKey`; the key's id is its thumbprint (RFC 7638), so it follows the key. */
export async function createAccessTokens(privateKey: KeyObject, now: () => number): Promise<AccessTokens> {
  const jwk = await exportJWK(createPublicKey(privateKey))
  const kid = await calculateJwkThumbprint(jwk)
  return {
    jwks: { keys: [{ ...jwk, kid, alg: 'EdDSA', use: 'sig' }] },
    issue(userId) {
      const issuedAt = Math.floor(now() / 1000)
      return new SignJWT()
        .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'JWT' })
        .setSubject(userId)
        .setIssuer(sessionIssuer)
        .setAudience(sessionAudience)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + accessTokenSeconds)
        .sign(privateKey)
    },
  }
}
