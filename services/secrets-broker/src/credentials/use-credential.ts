import type { LentCredential, useCredentialEndpoint } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
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

function reasonOf({ checkGrants }: Deps, { check_id, operation_id }: Request): string | undefined {
  if (operation_id !== undefined) return `operation ${operation_id}`
  return check_id === undefined ? undefined : checkGrants.reasonOf(check_id)
}

/** Runs and checks are the executor's, operations are cert-agent's: neither borrows in the other's name. */
function assertAsksForItself({ caller }: InternalActor, { operation_id }: Request): void {
  const others = operation_id === undefined ? 'cert-agent' : 'executor'
  if (caller === others) throw new AppError('forbidden', 'The service may not borrow for this.')
}

/** A key ends with its certificate, and signs the request for the next one, or the revocation, all the same. */
const isKeyOfOperation = ({ type }: { type: string }, { operation_id }: Request): boolean =>
  type === 'x509' && operation_id !== undefined

/** Lends a credential of the project, by id or name, to one step of one run, to one check, or to one operation on certificates. */
export function useCredential(
  deps: Deps,
  actor: InternalActor,
  reference: string,
  request: Request,
): Promise<LentCredential> {
  const { project_id: projectId } = request
  const reason = reasonOf(deps, request)
  const access: Access = {
    host: reference,
    purpose: credentialPurpose,
    ...readAccess(actor, request),
    ...(reason === undefined ? {} : { reason }),
  }
  return readWithAccess(deps, access, async () => {
    const found = await findSealedCredential(deps, projectId, reference)
    access.host = found.name
    access.credentialUuid = found.id
    if (!isKeyOfOperation(found, request)) assertNotExpired(found, deps.now())
    assertAsksForItself(actor, request)
    const permit = await assertMayUse(deps, request, found)
    const open = () => openSecret(deps.cipher, found, found.secret)
    return lendCredential(deps, actor, { ...found, open }, permit)
  })
}
