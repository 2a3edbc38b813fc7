import type { HostCredentialFound } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { Access } from '../access-log/access.ts'
import { readWithAccess } from '../access-log/record-access.ts'
import type { Deps } from '../deps.ts'
import type { InternalActor } from '../internal-actor.ts'
import { hostCredentialNotFound } from './not-found.ts'
import { type HostCredentialKey, selectHostCredential } from './store.ts'

type Found = z.infer<typeof HostCredentialFound>

/** The credential, decrypted. */
export function lookupHostCredential(
  deps: Deps,
  actor: InternalActor,
  { host, purpose }: HostCredentialKey,
): Promise<Found> {
  const access: Access = { host, purpose, type: 'read', by: actor.caller, from: actor.clientAddress }
  return readWithAccess(deps, access, async () => {
    const found = await selectHostCredential(deps.pool, { host, purpose })
    if (found === undefined) throw hostCredentialNotFound()
    access.credentialId = found.id
    return {
      host,
      purpose,
      username: found.username,
      password: found.password && deps.ciphers.host_credentials.decrypt(found.password),
      domain: found.domain,
      additional_data: found.additionalData as Found['additional_data'],
    }
  })
}
