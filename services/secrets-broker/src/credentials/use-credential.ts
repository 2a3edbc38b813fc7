import type { LentCredential, useCredentialEndpoint } from '@opsconductor/contracts'
import type { z } from 'zod'
import { type Access, credentialPurpose } from '../access-log/access.ts'
import { readWithAccess } from '../access-log/record-access.ts'
import { lendable } from '../credential-types/lend.ts'
import { vaultRefType } from '../credential-types/vault-ref.ts'
import type { Deps } from '../deps.ts'
import type { InternalActor } from '../internal-actor.ts'
import { assertMayUse } from '../runs/assert-may-use.ts'
import { readVaultRef } from '../vaults/read-vault-ref.ts'
import { openSecret } from './credential-secret.ts'
import { assertNotExpired } from './expiry.ts'
import { credentialNotFound } from './find-credential.ts'
import { selectSealedCredential } from './store.ts'

type Request = z.infer<typeof useCredentialEndpoint.request>

/** Lends a credential of the project, by id or name, to one step of one run or to one check. */
export function useCredential(
  deps: Deps,
  actor: InternalActor,
  reference: string,
  request: Request,
): Promise<LentCredential> {
  const { project_id: projectId, run_id: runId, step_id: stepId, check_id: checkId } = request
  const access: Access = {
    host: reference,
    purpose: credentialPurpose,
    type: 'read',
    by: actor.caller,
    from: actor.clientAddress,
    projectId,
    runId,
    stepId,
    ...(checkId === undefined ? {} : { reason: deps.checkGrants.reasonOf(checkId) }),
  }
  return readWithAccess(deps, access, async () => {
    const found = await selectSealedCredential(deps.pool, projectId, reference)
    if (found === undefined) throw credentialNotFound()
    const { id, name } = found
    access.host = name
    access.credentialUuid = id
    assertNotExpired(found, deps.now())
    const { limitsHosts, limitsCaBundles } = await assertMayUse(deps, request, found)
    const { type, secret, extra } =
      found.type === vaultRefType
        ? await readVaultRef(deps, found, { by: actor.caller, from: actor.clientAddress })
        : { ...found, secret: await openSecret(deps.cipher, found, found.secret) }
    return {
      id,
      name,
      type,
      secret,
      extra: extra as LentCredential['extra'],
      ...lendable(type, secret, extra),
      limits_hosts: limitsHosts,
      limits_ca_bundles: limitsCaBundles,
    }
  })
}
