import { type Access, credentialPurpose, unknownHost } from '../access-log/access.ts'
import { changeWithAccess } from '../access-log/record-access.ts'
import type { Deps } from '../deps.ts'
import type { ProjectActor } from '../project-actor.ts'
import { credentialNotFound } from './find-credential.ts'
import { softDeleteCredential } from './store.ts'

/** Takes the credential out of use; its row stays, its name is free again. */
export async function deleteCredential(deps: Deps, actor: ProjectActor, id: string): Promise<void> {
  const { label: by, projectId } = actor
  const deleted = await changeWithAccess(deps, async (client) => {
    const name = await softDeleteCredential(client, { projectId, id, by })
    const access: Access = {
      host: name ?? unknownHost,
      purpose: credentialPurpose,
      type: 'delete',
      by,
      from: actor.clientAddress,
      projectId,
      credentialUuid: id,
    }
    if (name === undefined) access.error = 'Credential not found'
    return { result: name !== undefined, access }
  })
  if (!deleted) throw credentialNotFound()
}
