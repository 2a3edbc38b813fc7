import type { HostCredentialLookupResult, HostCredentialLookups } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import type { Access } from '../access-log/access.ts'
import { readAllWithAccess } from '../access-log/record-access.ts'
import type { Deps } from '../deps.ts'
import type { InternalActor } from '../internal-actor.ts'
import { accessTo, keyToWire } from './access-to.ts'
import { assertPurpose } from './assert-purpose.ts'
import { hostCredentialNotFound } from './not-found.ts'
import { noteCredential, openHostCredential } from './open-host-credential.ts'
import { scopeOf } from './scope.ts'
import type { HostCredential, HostCredentialKey } from './store.ts'

/** Several credentials, decrypted, in the order asked for; one that is not there or does not open spoils no other. */
export function lookupHostCredentials(
  deps: Deps,
  actor: InternalActor,
  { lookups, project_id: projectId }: z.infer<typeof HostCredentialLookups>,
): Promise<{ results: HostCredentialLookupResult[] }> {
  const accesses = lookups.map((key) => accessTo(key, actor, 'read', projectId))
  return readAllWithAccess(deps, accesses, async () => {
    for (const { purpose } of lookups) assertPurpose(actor, purpose)
    const scope = scopeOf(actor, projectId)
    const found = await Promise.all(lookups.map((key) => deps.findHostCredential(key, scope)))
    const results = lookups.map((key, i) => openOne(deps, key, found[i], accesses[i] as Access))
    return { results: await Promise.all(results) }
  })
}

async function openOne(
  { hostCipher }: Deps,
  key: HostCredentialKey,
  found: HostCredential | undefined,
  access: Access,
): Promise<HostCredentialLookupResult> {
  if (found === undefined) {
    access.error = hostCredentialNotFound().message
    return { found: false, ...keyToWire(key), reason: 'not_found' }
  }
  noteCredential(access, found)
  try {
    return { found: true, ...(await openHostCredential(hostCipher, found)) }
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'decryption_failed') throw error
    access.error = error.message
    return { found: false, ...keyToWire(key), reason: 'decryption_failed' }
  }
}
