import { randomUUID } from 'node:crypto'
import type { CreateCredential } from '@opsconductor/contracts'
import type { z } from 'zod'
import { type Access, credentialPurpose } from '../access-log/access.ts'
import { changeWithAccess } from '../access-log/record-access.ts'
import { parseCredential } from '../credential-types/parse-credential.ts'
import type { Deps } from '../deps.ts'
import type { ProjectActor } from '../project-actor.ts'
import { sealSecret } from './credential-secret.ts'
import { type CredentialRecord, insertCredential } from './store.ts'

/** Stores a credential of the project, its secret encrypted. A refused attempt is in the access log too. */
export function createCredential(
  deps: Deps,
  { label: by, projectId, clientAddress }: ProjectActor,
  request: z.infer<typeof CreateCredential>,
): Promise<CredentialRecord> {
  const { name, type, description } = request
  const access: Access = {
    host: name,
    purpose: credentialPurpose,
    type: 'create',
    by,
    from: clientAddress,
    projectId,
  }
  return changeWithAccess(deps, access, async (client) => {
    const { secret: parts, extra } = parseCredential(request)
    const id = randomUUID()
    const secret = sealSecret(deps.ciphers.credentials, { id, projectId }, parts)
    const record = await insertCredential(client, {
      id,
      projectId,
      name,
      type,
      description,
      extra,
      secret,
      by,
    })
    access.credentialUuid = id
    return record
  })
}
