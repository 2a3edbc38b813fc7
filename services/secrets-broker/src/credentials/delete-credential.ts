import { type Access, credentialPurpose, unknownHost } from '../access-log/access.ts'
import { changeWithAccess } from '../access-log/record-access.ts'
import type { Deps } from '../deps.ts'
import type { ProjectActor } from '../project-actor.ts'
import { announceCredential } from './announce-credential.ts'
import { credentialNotFound } from './find-credential.ts'
import { softDeleteCredential } from './store.ts'

/** Takes the credential out of use; its row stays, its name is free again. */
export async function deleteCredential(
  deps: Deps,
  { label: by, projectId, clientAddress }: ProjectActor,
  id: string,
): Promise<void> {
  const access: Access = {
    host: unknownHost,
    purpose: credentialPurpose,
    type: 'delete',
    by,
    from: clientAddress,
    projectId,
    credentialUuid: id,
  }
  await changeWithAccess(deps, access, async (client) => {
    const name = await softDeleteCredential(client, { projectId, id, by })
    if (name === undefined) throw credentialNotFound()
    access.host = name
    await announceCredential(client, id)
  })
}
