import { AppError } from '@opsconductor/errors'
import { type Access, credentialPurpose, unknownHost } from '../access-log/access.ts'
import { changeWithAccess } from '../access-log/record-access.ts'
import type { Deps } from '../deps.ts'
import type { ProjectActor } from '../project-actor.ts'
import { announceCredential } from './announce-credential.ts'
import { type CredentialRecord, restoreDeletedCredential } from './store.ts'

/**
 * Puts a deleted credential back to use, with its versions, under `name` where one is given. Throws `not_found` where
 * none was deleted, or it was purged, and `conflict` where the name was taken meanwhile.
 */
export function restoreCredential(
  deps: Deps,
  { label: by, projectId, clientAddress }: ProjectActor,
  id: string,
  { name }: { name?: string | undefined },
): Promise<CredentialRecord> {
  const access: Access = {
    host: name ?? unknownHost,
    purpose: credentialPurpose,
    type: 'update',
    by,
    from: clientAddress,
    projectId,
    credentialUuid: id,
    reason: 'restore',
  }
  return changeWithAccess(deps, access, async (client) => {
    const record = await restoreDeletedCredential(client, { projectId, id, by, name })
    if (record === undefined)
      throw new AppError('not_found', 'There is no such deleted credential in this project.')
    access.host = record.name
    await announceCredential(client, id)
    return record
  })
}
