import type { HostCredentialDeleted } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { Access } from '../access-log/access.ts'
import { changeWithAccess } from '../access-log/record-access.ts'
import type { Deps } from '../deps.ts'
import type { InternalActor } from '../internal-actor.ts'
import { hostCredentialNotFound } from './not-found.ts'
import { type HostCredentialKey, removeHostCredential } from './store.ts'

/** Deletes the credential; what the access log says of it stays. */
export async function deleteHostCredential(
  deps: Deps,
  actor: InternalActor,
  { host, purpose }: HostCredentialKey,
): Promise<z.infer<typeof HostCredentialDeleted>> {
  const access: Access = { host, purpose, type: 'delete', by: actor.caller, from: actor.clientAddress }
  await changeWithAccess(deps, access, async (client) => {
    if (!(await removeHostCredential(client, { host, purpose }))) throw hostCredentialNotFound()
  })
  return { success: true, host, purpose }
}
