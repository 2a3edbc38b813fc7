import type { LentCredential, useCredentialEndpoint } from '@opsconductor/contracts'
import { toAppError } from '@opsconductor/errors'
import type { z } from 'zod'
import { type Access, credentialPurpose } from '../access-log/access.ts'
import { recordAccess } from '../access-log/record-access.ts'
import type { Deps } from '../deps.ts'
import type { InternalActor } from '../internal-actor.ts'
import { openSecret } from './credential-secret.ts'
import { credentialNotFound } from './find-credential.ts'
import { selectSealedCredential } from './store.ts'

type Request = z.infer<typeof useCredentialEndpoint.request>

/**
 * Lends a credential of the project, by id or name, to one step of one run. The use is durably logged before this
 * resolves, as is a failure before it throws.
 */
export async function useCredential(
  deps: Deps,
  actor: InternalActor,
  reference: string,
  { project_id: projectId, run_id: runId, step_id: stepId }: Request,
): Promise<LentCredential> {
  const access: Access = {
    host: reference,
    purpose: credentialPurpose,
    type: 'read',
    by: actor.caller,
    from: actor.clientAddress,
    projectId,
    runId,
    stepId,
  }
  const found = await selectSealedCredential(deps.pool, projectId, reference)
  if (found === undefined) {
    await recordAccess(deps, { ...access, error: 'Credential not found' })
    throw credentialNotFound()
  }
  access.host = found.name
  access.credentialUuid = found.id
  let secret: Record<string, string>
  try {
    secret = openSecret(deps.ciphers.credentials, found, found.secret)
  } catch (error) {
    await recordAccess(deps, { ...access, error: toAppError(error).message })
    throw error
  }
  await recordAccess(deps, access)
  const { id, name, type, extra } = found
  return { id, name, type, secret, extra: extra as LentCredential['extra'] }
}
