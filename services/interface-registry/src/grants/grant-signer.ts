import { createPublicKey, type KeyObject, randomUUID } from 'node:crypto'
import { type CallGrant, grantIssuer, grantType } from '@opsconductor/contracts'
import { calculateJwkThumbprint, exportJWK, type JWK, SignJWT } from 'jose'

export interface GrantSigner {
  /** A grant for so many seconds from now. */
  sign(grant: CallGrant, seconds: number): Promise<{ grant: string; expiresAt: Date }>
  /** What grants are verified with (RFC 7517). */
  keys(): Promise<JWK[]>
}

/**
 * Signs grants with `key`. Those signed with `previousKey` are still good, so that a change of the key breaks no call
 * under way. A key's id is its thumbprint (RFC 7638), so it follows the key.
 */
export function createGrantSigner(
  { key, previousKey }: { key: KeyObject; previousKey: KeyObject | undefined },
  now: () => number = Date.now,
): GrantSigner {
  const keys = Promise.all([key, ...(previousKey === undefined ? [] : [previousKey])].map(publicJwk))
  return {
    keys: () => keys,
    async sign(grant, seconds) {
      const [{ kid }] = (await keys) as [JWK & { kid: string }]
      const issuedAt = Math.floor(now() / 1000)
      const expiresAt = issuedAt + Math.ceil(seconds)
      const text = await new SignJWT({ ...grant })
        .setProtectedHeader({ alg: 'EdDSA', kid, typ: grantType })
        .setIssuer(grantIssuer)
        .setAudience(grant.target_project_id)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .setJti(randomUUID())
        .sign(key)
      return { grant: text, expiresAt: new Date(expiresAt * 1000) }
    },
  }
}

async function publicJwk(privateKey: KeyObject): Promise<JWK> {
  const jwk = await exportJWK(createPublicKey(privateKey))
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'EdDSA', use: 'sig' }
}
