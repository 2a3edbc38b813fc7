import { connectorsTable } from '@opsconductor/contracts'
import { z } from 'zod'
import { extraWithCertificate } from '../credential-types/extra-with-certificate.ts'
import { type GivenCredential, parseCredential } from '../credential-types/parse-credential.ts'
import type { Cipher, Place, Sealed } from '../keyring/cipher.ts'

/** A connector's own credential as it is sealed: all of it, for the registry keeps the ciphertext and nothing else. */
const OwnCredential = z.object({
  type: z.string(),
  secret: z.record(z.string(), z.string()),
  /** With the certificate and its chain, where there is one. */
  extra: z.record(z.string(), z.unknown()),
  /** When the secret ends by itself, as a certificate does. */
  expires_at: z.iso.datetime().nullable(),
})

/** Throws what `parseCredential` throws. */
export async function toSealable(given: GivenCredential): Promise<string> {
  const { secret, extra, certificate, expiresAt } = await parseCredential(given)
  return JSON.stringify({
    type: given.type,
    secret,
    extra: extraWithCertificate({ ...certificate, extra }),
    expires_at: expiresAt?.toISOString() ?? null,
  } satisfies z.infer<typeof OwnCredential>)
}

export const connectorPlace = (id: string, projectId: string): Place => ({
  table: connectorsTable,
  id,
  projectId: projectId.toLowerCase(),
})

export async function openConnectorSecret(cipher: Cipher, place: Place, sealed: Sealed) {
  const { expires_at: expiresAt, ...credential } = OwnCredential.parse(
    JSON.parse(await cipher.open(place, sealed)),
  )
  return { ...credential, expiresAt: expiresAt === null ? null : new Date(expiresAt) }
}
