import { randomUUID } from 'node:crypto'
import type { CreateCredential } from '@opsconductor/contracts'
import type { z } from 'zod'
import { type Access, credentialPurpose } from '../access-log/access.ts'
import { changeWithAccess } from '../access-log/record-access.ts'
import { parseCredential } from '../credential-types/parse-credential.ts'
import type { Deps } from '../deps.ts'
import type { ProjectActor } from '../project-actor.ts'
import { announceCredential } from './announce-credential.ts'
import { assertKnownCaBundles, assertTakesLimits } from './ca-bundle-limit.ts'
import { sealSecret } from './credential-secret.ts'
import { toExpiry } from './expiry.ts'
import { type CredentialRecord, insertCredential } from './store.ts'

export interface CreateOptions {
  /** Made where it is left out. */
  id?: string
  /** Why, in the access log. */
  reason?: string
}

/** Stores a credential of the project, its secret encrypted. A refused attempt is in the access log too. */
export function createCredential(
  deps: Deps,
  { label: by, projectId, clientAddress }: ProjectActor,
  request: z.infer<typeof CreateCredential>,
  { id = randomUUID(), reason }: CreateOptions = {},
): Promise<CredentialRecord> {
  const { name, type, description, is_active, limits, rotate_every_days, expires_at } = request
  const access: Access = {
    host: name,
    purpose: credentialPurpose,
    type: 'create',
    by,
    from: clientAddress,
    projectId,
    ...(reason === undefined ? {} : { reason }),
  }
  const prepare = async () => {
    const at = deps.now()
    const given = expires_at === null ? null : toExpiry(expires_at, at)
    const parsed = await parseCredential(request)
    assertTakesLimits({ type, extra: parsed.extra }, limits)
    await assertKnownCaBundles(deps.pool, projectId, limits)
    const secret = await sealSecret(deps.cipher, { id, projectId }, parsed.secret)
    return {
      ...{ id, projectId, name, type, description, extra: parsed.extra, secret, by, at, limits },
      ...parsed.certificate,
      isActive: is_active,
      expiresAt: given ?? parsed.expiresAt,
      rotateEveryDays: rotate_every_days,
    }
  }
  return changeWithAccess(
    deps,
    access,
    async (client, credential) => {
      const record = await insertCredential(client, credential)
      access.credentialUuid = record.id
      await announceCredential(client, record.id)
      return record
    },
    prepare,
  )
}
