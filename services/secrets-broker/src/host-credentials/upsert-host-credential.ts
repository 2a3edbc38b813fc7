import type { HostCredentialUpsert, HostCredentialUpserted } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import { changeWithAccess } from '../access-log/record-access.ts'
import type { Deps } from '../deps.ts'
import type { InternalActor } from '../internal-actor.ts'
import { accessTo, keyToWire } from './access-to.ts'
import { announceChange } from './announce-change.ts'
import { assertPurpose } from './assert-purpose.ts'
import { scopeOf } from './scope.ts'
import { upsertHostCredential as upsert } from './store.ts'

/**
 * Creates or replaces, as a whole, the credential of a (host, purpose, label). Throws `conflict` where it is another
 * project's, or the platform's and a project asks.
 */
export async function upsertHostCredential(
  deps: Deps,
  actor: InternalActor,
  request: z.infer<typeof HostCredentialUpsert>,
): Promise<z.infer<typeof HostCredentialUpserted>> {
  const { host, purpose, label } = request
  const access = accessTo(request, actor, 'create', request.project_id)
  const id = await changeWithAccess(
    deps,
    access,
    async (client) => {
      const { password } = request
      const credential = {
        host,
        purpose,
        label,
        username: request.username ?? null,
        password: password == null ? null : await deps.hostCipher.encryptIn(client, password),
        domain: request.domain ?? null,
        additionalData: request.additional_data,
      }
      const row = await upsert(client, credential, scopeOf(actor, request.project_id), actor.caller)
      if (row === undefined) throw takenByAnother()
      access.credentialId = row.id
      if (row.project_id !== null) access.projectId = row.project_id
      if (!row.created) access.type = 'update'
      await announceChange(client, request)
      return row.id
    },
    async () => {
      assertPurpose(actor, purpose)
      if (request.password != null) await deps.hostCipher.prepare()
    },
  )
  return { success: true, credential_id: id, ...keyToWire(request) }
}

const takenByAnother = () =>
  new AppError(
    'conflict',
    'The host has a credential for this purpose that belongs to somebody else; give another label.',
    { errors: [{ path: 'body.label', message: 'is taken for this host and purpose' }] },
  )
