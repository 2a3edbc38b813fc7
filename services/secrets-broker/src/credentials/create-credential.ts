import { randomUUID } from 'node:crypto'
import type { CreateCredential } from '@opsconductor/contracts'
import { isUniqueViolation } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import { type Access, credentialPurpose } from '../access-log/access.ts'
import { changeWithAccess, recordAccess } from '../access-log/record-access.ts'
import { parseCredential } from '../credential-types/parse-credential.ts'
import type { Deps } from '../deps.ts'
import type { ProjectActor } from '../project-actor.ts'
import { sealSecret } from './credential-secret.ts'
import { type CredentialRecord, insertCredential } from './store.ts'

const foreignKeyViolation = '23503'

/** Stores a credential of the project, its secret encrypted. A refused attempt is in the access log too. */
export async function createCredential(
  deps: Deps,
  actor: ProjectActor,
  request: z.infer<typeof CreateCredential>,
): Promise<CredentialRecord> {
  const access: Access = {
    host: request.name,
    purpose: credentialPurpose,
    type: 'create',
    by: actor.label,
    from: actor.clientAddress,
    projectId: actor.projectId,
  }
  try {
    const { secret, extra } = parseCredential(request)
    const place = { id: randomUUID(), projectId: actor.projectId }
    const credential = {
      ...place,
      name: request.name,
      type: request.type,
      description: request.description,
      extra,
      secret: sealSecret(deps.ciphers.credentials, place, secret),
      by: actor.label,
    }
    return await changeWithAccess(deps, async (client) => ({
      result: await insertCredential(client, credential),
      access: { ...access, credentialUuid: place.id },
    }))
  } catch (error) {
    const refusal = refusalOf(error)
    if (refusal === undefined) throw error
    await recordAccess(deps, { ...access, error: refusal.code })
    throw refusal
  }
}

/** The caller's own fault; undefined for ours. */
function refusalOf(error: unknown): AppError | undefined {
  if (error instanceof AppError && error.status < 500) return error
  if (isUniqueViolation(error, 'credentials_project_id_name_key'))
    return new AppError('conflict', 'The project has a credential of this name; give another name.', {
      errors: [{ path: 'body.name', message: 'is taken in this project' }],
    })
  if ((error as { code?: string }).code === foreignKeyViolation)
    return new AppError('not_found', 'There is no such project (any more).')
  return undefined
}
