import type pg from 'pg'
import { type Access, credentialPurpose, unknownHost } from '../access-log/access.ts'
import { changeWithAccess } from '../access-log/record-access.ts'
import type { Deps } from '../deps.ts'
import type { ProjectActor } from '../project-actor.ts'
import { announceCredential } from './announce-credential.ts'
import { openSecret, type SecretParts, sealSecret, sealVersion } from './credential-secret.ts'
import { assertIfMatch } from './expected-version.ts'
import { credentialNotFound } from './find-credential.ts'
import type { CredentialRecord } from './store.ts'
import {
  type CurrentCredential,
  insertVersion,
  selectCurrentCredential,
  updateCredentialRow,
} from './version-store.ts'

/** What becomes of a credential; what is left out stays. */
export interface CredentialChange {
  fields: Partial<
    Pick<
      CurrentCredential,
      | 'name'
      | 'description'
      | 'isActive'
      | 'limits'
      | 'expiresAt'
      | 'rotateEveryDays'
      | 'rotatedAt'
      | 'extra'
      | 'certificate'
      | 'certificateChain'
      | 'certificateFormat'
      | 'certificateExpiresAt'
    >
  >
  /** Makes the next version. */
  secret?: SecretParts
}

export interface ChangeRequest {
  id: string
  ifMatch?: string | undefined
  reason?: string
  /** Reads only through `executor`. */
  plan(current: CurrentCredential, executor: pg.Pool | pg.PoolClient): Promise<CredentialChange>
}

/**
 * Changes a credential of the project in one transaction with its row in the access log, and keeps the former version
 * where the secret changes. What `plan` does takes time, so it is done before the row is locked, and only once more
 * where somebody else was quicker. Throws `not_found`, `conflict`, `precondition_failed`.
 */
export function changeCredential(
  deps: Deps,
  { label: by, projectId, clientAddress }: ProjectActor,
  { id, ifMatch, reason, plan }: ChangeRequest,
): Promise<CredentialRecord> {
  const access: Access = {
    host: unknownHost,
    purpose: credentialPurpose,
    type: 'update',
    by,
    from: clientAddress,
    projectId,
    credentialUuid: id,
    ...(reason === undefined ? {} : { reason }),
  }
  const find = async (executor: pg.Pool | pg.PoolClient, lock: boolean): Promise<CurrentCredential> => {
    const current = await selectCurrentCredential(executor, projectId, id, { lock })
    if (current === undefined) throw credentialNotFound()
    access.host = current.name
    assertIfMatch(ifMatch, current)
    return current
  }
  const planAndSeal = async (current: CurrentCredential, executor: pg.Pool | pg.PoolClient) =>
    sealChange(deps, current, await plan(current, executor))

  return changeWithAccess(
    deps,
    access,
    async (client, { from, planned }) => {
      const current = await find(client, true)
      const next = isSame(current, from) ? planned : await planAndSeal(current, client)
      if (next.version !== undefined)
        await insertVersion(client, current, next.version.former, deps.credentialVersionsMax)
      const record = await updateCredentialRow(
        client,
        { ...current, ...next.fields, ...(next.version && nextVersion(deps, current, next.version, by)) },
        by,
      )
      await announceCredential(client, id)
      return record
    },
    async () => {
      const from = await find(deps.pool, false)
      return { from, planned: await planAndSeal(from, deps.pool) }
    },
  )
}

/** Of all that plans are made of: the secret and `extra` change with the version only. */
const isSame = (current: CurrentCredential, from: CurrentCredential): boolean =>
  current.version === from.version && current.expiresAt?.getTime() === from.expiresAt?.getTime()

async function sealChange({ cipher }: Deps, current: CurrentCredential, change: CredentialChange) {
  const { fields, secret } = change
  if (secret === undefined) return { fields, version: undefined }
  const opened = await openSecret(cipher, current, current.secret)
  const former = await sealVersion(cipher, current, current.version, opened)
  return { fields, version: { former, present: await sealSecret(cipher, current, secret) } }
}

const nextVersion = (
  { now }: Deps,
  { version }: CurrentCredential,
  { present }: { present: CurrentCredential['secret'] },
  by: string,
) => ({ version: version + 1, secret: present, versionCreatedAt: now(), versionCreatedBy: by })
