import { VaultRefExtra } from '../credential-types/vault-ref.ts'
import { type CopyRecord, selectCopy } from './copy-store.ts'
import type { VaultDeps } from './create-vaults.ts'
import {
  type FittedSecret,
  findReferredVault,
  fitSecret,
  hashOfSource,
  readReference,
} from './read-reference.ts'
import { type ReferringCredential, type SyncActor, syncCredential } from './sync-credential.ts'
import { openCopy } from './vault-auth.ts'

/**
 * What a credential of type vault_ref is in its vault: read now or a short while ago, or our copy where it is
 * synchronised. Throws errors with the codes `vault_…`. The caller writes the access log's row.
 */
export async function readVaultRef(
  deps: VaultDeps,
  credential: ReferringCredential,
  actor: SyncActor,
): Promise<FittedSecret> {
  const reference = VaultRefExtra.parse(credential.extra)
  const values =
    reference.mode === 'read_through'
      ? await readThrough(deps, credential, reference)
      : await readCopy(deps, credential, reference, actor)
  return fitSecret(reference, values)
}

type ReadThrough = Extract<VaultRefExtra, { mode: 'read_through' }>

async function readThrough(
  deps: VaultDeps,
  { id, projectId }: ReferringCredential,
  reference: ReadThrough,
): Promise<Record<string, string>> {
  const vault = await findReferredVault(deps, projectId, reference)
  const { ttl_seconds: ttlSeconds, allow_stale_seconds: allowStaleSeconds } = reference
  // A changed reference or vault has another key, so nothing that was read by the former one is used.
  const key = JSON.stringify([id, vault.id, vault.version, hashOfSource(reference)])
  return deps.vaults.cache.get(key, { ttlSeconds, allowStaleSeconds }, () =>
    readReference(deps, vault, reference),
  )
}

async function readCopy(
  deps: VaultDeps,
  credential: ReferringCredential,
  reference: VaultRefExtra,
  actor: SyncActor,
): Promise<Record<string, string>> {
  const hash = hashOfSource(reference)
  const opened = async (copy: CopyRecord | undefined) =>
    copy?.secret == null || copy.sourceHash !== hash
      ? undefined
      : openCopy(deps.cipher, credential, copy.secret)
  const ours = await opened(await selectCopy(deps.pool, credential.projectId, credential.id))
  if (ours !== undefined) return ours
  const { copy, fault } = await firstSync(deps, credential, actor)
  const read = await opened(copy)
  if (read === undefined) throw fault
  return read
}

/** One read of the vault for all who ask at once for a copy that is not there yet. */
function firstSync(deps: VaultDeps, credential: ReferringCredential, actor: SyncActor) {
  const { syncing } = deps.vaults
  const known = syncing.get(credential.id) as ReturnType<typeof syncCredential> | undefined
  if (known !== undefined) return known
  const begun = syncCredential(deps, credential, { ...actor, reason: 'first synchronisation', take: true })
  syncing.set(credential.id, begun)
  const done = () => syncing.delete(credential.id)
  begun.then(done, done)
  return begun
}
