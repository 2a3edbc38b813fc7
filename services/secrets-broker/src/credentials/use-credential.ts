import type { LentCredential, useCredentialEndpoint } from '@opsconductor/contracts'
import type { z } from 'zod'
import { type Access, credentialPurpose, readAccess } from '../access-log/access.ts'
import { readWithAccess } from '../access-log/record-access.ts'
import type { Deps } from '../deps.ts'
import type { InternalActor } from '../internal-actor.ts'
import { assertMayUse } from '../runs/assert-may-use.ts'
import { openSecret } from './credential-secret.ts'
import { assertNotExpired } from './expiry.ts'
import { findSealedCredential } from './find-credential.ts'
import { lendCredential } from './lend-credential.ts'

type Request = z.infer<typeof useCredentialEndpoint.request>

/** Lends a credential of the project, by id or name, to one step of one run or to one check. */
export function useCredential(
  deps: Deps,
  actor: InternalActor,
  reference: string,
  request: Request,
): Promise<LentCredential> {
  const { project_id: projectId, check_id: checkId } = request
  const access: Access = {
    host: reference,
    purpose: credentialPurpose,
    ...readAccess(actor, request),
    ...(checkId === undefined ? {} : { reason: deps.checkGrants.reasonOf(checkId) }),
  }
  return readWithAccess(deps, access, async () => {
    const found = await findSealedCredential(deps, projectId, reference)
    access.host = found.name
    access.credentialUuid = found.id
    assertNotExpired(found, deps.now())
    const permit = await assertMayUse(deps, request, found)
    const open = () => openSecret(deps.cipher, found, found.secret)
    return lendCredential(deps, actor, { ...found, open }, permit)
  })
}
