import { isDeepStrictEqual } from 'node:util'
import { AppError } from '@opsconductor/errors'
import { type Access, credentialPurpose } from '../access-log/access.ts'
import { changeWithAccess } from '../access-log/record-access.ts'
import { VaultRefExtra } from '../credential-types/vault-ref.ts'
import { announceCredential } from '../credentials/announce-credential.ts'
import { type CopyRecord, selectCopy, upsertCopy } from './copy-store.ts'
import type { VaultDeps } from './create-vaults.ts'
import { findReferredVault, fitSecret, hashOfSource, readReference } from './read-reference.ts'
import { openCopy, sealCopy } from './vault-auth.ts'
import { isVaultError } from './vault-error.ts'

export interface ReferringCredential {
  id: string
  projectId: string
  name: string
  extra: Record<string, unknown>
}

/** Who brought about a synchronisation, for the access log. */
export interface SyncActor {
  by: string
  from: string
}

interface SyncOptions extends SyncActor {
  reason: string
  /** Takes a change also where the credential only reports it. */
  take: boolean
}

interface Synced {
  copy: CopyRecord
  /** Why the vault could not be read. */
  fault?: AppError
}

type Synchronised = Extract<VaultRefExtra, { mode: 'synchronised' }>

/**
 * Reads the vault and makes our copy what it has there. That the vault has nothing, or cannot be read, is a state of the
 * copy and changes nothing else of it. The access log's row is in the same transaction.
 */
export function syncCredential(
  deps: VaultDeps,
  credential: ReferringCredential,
  { by, from, reason, take }: SyncOptions,
): Promise<Synced> {
  const reference = VaultRefExtra.parse(credential.extra)
  if (reference.mode !== 'synchronised')
    throw new AppError('conflict', 'The credential is read through, so there is nothing to synchronise.')
  const access: Access = {
    ...{ host: credential.name, purpose: credentialPurpose, type: 'update', by, from, reason },
    projectId: credential.projectId,
    credentialUuid: credential.id,
  }
  return changeWithAccess(
    deps,
    access,
    async (client, { next, fault, taken }) => {
      if (fault !== undefined) access.error = fault.message
      const copy = await upsertCopy(client, next)
      if (copy === undefined) throw new AppError('not_found', 'There is no such credential in this project.')
      if (taken) await announceCredential(client, credential.id)
      return { copy, ...(fault === undefined ? {} : { fault }) }
    },
    () => planCopy(deps, credential, reference, take),
  )
}

interface Plan {
  next: CopyRecord
  fault?: AppError
  /** Whether our copy changes. */
  taken: boolean
}

async function planCopy(
  deps: VaultDeps,
  credential: ReferringCredential,
  reference: Synchronised,
  take: boolean,
): Promise<Plan> {
  const now = deps.now()
  const former = await selectCopy(deps.pool, credential.projectId, credential.id)
  const base: CopyRecord = {
    ...(former ?? noCopy(credential)),
    lastCheckedAt: now,
    nextCheckAt: new Date(now.getTime() + reference.interval_seconds * 1000),
    lastError: null,
  }
  const read = await tryRead(deps, credential, reference)
  if ('fault' in read) {
    const state = read.fault.code === 'vault_secret_not_found' ? 'missing' : 'error'
    return { next: { ...base, state, lastError: read.fault.code }, fault: read.fault, taken: false }
  }
  const { values, version: vaultVersion } = read
  const sourceHash = hashOfSource(reference)
  const hasCopy = former?.secret != null && former.sourceHash === sourceHash
  const ours = hasCopy && former.secret ? await openCopy(deps.cipher, credential, former.secret) : undefined
  if (ours !== undefined && isDeepStrictEqual(ours, values))
    return {
      next: { ...base, state: 'in_sync', vaultVersion, syncedVersion: vaultVersion, lastSyncedAt: now },
      taken: false,
    }
  if (ours !== undefined && reference.on_change === 'report' && !take)
    return { next: { ...base, state: 'changed', vaultVersion }, taken: false }
  const secret = await sealCopy(deps.cipher, credential, values)
  const next: CopyRecord = {
    ...{ ...base, state: 'in_sync', secret, sourceHash, vaultVersion, syncedVersion: vaultVersion },
    lastSyncedAt: now,
  }
  return { next, taken: true }
}

const noCopy = ({ id, projectId }: ReferringCredential) => ({
  state: 'pending' as const,
  ...{ credentialId: id, projectId, sourceHash: null, secret: null, syncedVersion: null, vaultVersion: null },
  lastSyncedAt: null,
})

type Read = { values: Record<string, string>; version: string | null } | { fault: AppError }

/** Only what fits the type is taken: a copy that could not be lent would be worse than a stale one. */
async function tryRead(
  deps: VaultDeps,
  { projectId }: ReferringCredential,
  reference: Synchronised,
): Promise<Read> {
  try {
    const vault = await findReferredVault(deps, projectId, reference)
    const { values, version } = await readReference(deps, vault, reference)
    await fitSecret(reference, values)
    return { values, version }
  } catch (error) {
    if (isVaultError(error)) return { fault: error }
    throw error
  }
}
