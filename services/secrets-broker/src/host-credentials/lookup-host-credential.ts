import type { HostCredentialFound } from '@opsconductor/contracts'
import { toAppError } from '@opsconductor/errors'
import type { z } from 'zod'
import type { Access } from '../access-log/access.ts'
import { recordAccess } from '../access-log/record-access.ts'
import type { Deps } from '../deps.ts'
import type { InternalActor } from '../internal-actor.ts'
import { hostCredentialNotFound, notFoundMessage } from './not-found.ts'
import { type HostCredentialKey, selectHostCredential } from './store.ts'

/** The credential, decrypted. Its access is durably logged before this resolves, as is a failure before it throws. */
export async function lookupHostCredential(
  deps: Deps,
  actor: InternalActor,
  { host, purpose }: HostCredentialKey,
): Promise<z.infer<typeof HostCredentialFound>> {
  const access: Access = { host, purpose, type: 'read', by: actor.caller, from: actor.clientAddress }
  const found = await selectHostCredential(deps.pool, { host, purpose })
  if (found === undefined) {
    await recordAccess(deps, { ...access, error: notFoundMessage })
    throw hostCredentialNotFound()
  }
  access.credentialId = found.id
  let password: string | null
  try {
    password = found.password && deps.ciphers.host_credentials.decrypt(found.password)
  } catch (error) {
    await recordAccess(deps, { ...access, error: toAppError(error).message })
    throw error
  }
  await recordAccess(deps, access)
  return {
    host: found.host,
    purpose: found.purpose,
    username: found.username,
    password,
    domain: found.domain,
    additional_data: found.additionalData as z.infer<typeof HostCredentialFound>['additional_data'],
  }
}
