import type { HostCredentialDeleted, HostCredentialKey } from '@opsconductor/contracts'
import type { z } from 'zod'
import { changeWithAccess } from '../access-log/record-access.ts'
import type { Deps } from '../deps.ts'
import type { InternalActor } from '../internal-actor.ts'
import { accessTo, keyToWire } from './access-to.ts'
import { announceChange } from './announce-change.ts'
import { assertPurpose } from './assert-purpose.ts'
import { hostCredentialNotFound } from './not-found.ts'
import { scopeOf } from './scope.ts'
import { removeHostCredential } from './store.ts'

/** Deletes the credential; what the access log says of it stays. */
export async function deleteHostCredential(
  deps: Deps,
  actor: InternalActor,
  request: z.infer<typeof HostCredentialKey>,
): Promise<z.infer<typeof HostCredentialDeleted>> {
  const access = accessTo(request, actor, 'delete', request.project_id)
  await changeWithAccess(deps, access, async (client) => {
    assertPurpose(actor, request.purpose)
    const removed = await removeHostCredential(client, request, scopeOf(actor, request.project_id))
    if (removed === undefined) throw hostCredentialNotFound()
    access.credentialId = removed.id
    if (removed.projectId !== null) access.projectId = removed.projectId
    await announceChange(client, request)
  })
  return { success: true, ...keyToWire(request) }
}
