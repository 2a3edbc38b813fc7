import type { LentCredential, useCredentialEndpoint } from '@opsconductor/contracts'
import type { z } from 'zod'
import { type Access, credentialPurpose } from '../access-log/access.ts'
import { readWithAccess } from '../access-log/record-access.ts'
import type { Deps } from '../deps.ts'
import type { InternalActor } from '../internal-actor.ts'
import { openSecret } from './credential-secret.ts'
import { credentialNotFound } from './find-credential.ts'
import { selectSealedCredential } from './store.ts'

type Request = z.infer<typeof useCredentialEndpoint.request>

/** Lends a credential of the project, by id or name, to one step of one run. */
export function useCredential(
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
  return readWithAccess(deps, access, async () => {
    const found = await selectSealedCredential(deps.pool, projectId, reference)
    if (found === undefined) throw credentialNotFound()
    const { id, name, type, extra } = found
    access.host = name
    access.credentialUuid = id
    const secret = openSecret(deps.ciphers.credentials, found, found.secret)
    return { id, name, type, secret, extra: extra as LentCredential['extra'] }
  })
}
