import type { HostCredentialFound } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { Access } from '../access-log/access.ts'
import type { HostCipher } from '../keyring/cipher.ts'
import { keyToWire } from './access-to.ts'
import type { HostCredential } from './store.ts'

type Found = z.infer<typeof HostCredentialFound>

/** Notes in the access which credential it was. */
export function noteCredential(access: Access, { id, projectId }: HostCredential): void {
  access.credentialId = id
  if (projectId !== null) access.projectId = projectId
}

/** The credential as the seed answers it. Throws `decryption_failed`. */
export async function openHostCredential(hostCipher: HostCipher, found: HostCredential): Promise<Found> {
  return {
    ...keyToWire(found),
    username: found.username,
    password: found.password && (await hostCipher.decrypt(found.password)),
    domain: found.domain,
    additional_data: found.additionalData as Found['additional_data'],
  }
}
