import type { HostCredentialUpsert, HostCredentialUpserted } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { Access } from '../access-log/access.ts'
import { changeWithAccess } from '../access-log/record-access.ts'
import type { Deps } from '../deps.ts'
import type { InternalActor } from '../internal-actor.ts'
import { upsertHostCredential as upsert } from './store.ts'

/** Creates or replaces, as a whole, the credential of a (host, purpose). */
export async function upsertHostCredential(
  deps: Deps,
  actor: InternalActor,
  request: z.infer<typeof HostCredentialUpsert>,
): Promise<z.infer<typeof HostCredentialUpserted>> {
  const { host, purpose } = request
  const credential = {
    host,
    purpose,
    username: request.username ?? null,
    password: request.password == null ? null : deps.ciphers.host_credentials.encrypt(request.password),
    domain: request.domain ?? null,
    additionalData: request.additional_data,
  }
  const access: Access = { host, purpose, type: 'create', by: actor.caller, from: actor.clientAddress }
  const id = await changeWithAccess(deps, access, async (client) => {
    const { id, created } = await upsert(client, credential, actor.caller)
    access.credentialId = id
    if (!created) access.type = 'update'
    return id
  })
  return { success: true, credential_id: id, host, purpose }
}
