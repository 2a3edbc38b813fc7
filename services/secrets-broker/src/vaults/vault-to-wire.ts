import type { Vault, VaultSync } from '@opsconductor/contracts'
import type { CopyRecord } from './copy-store.ts'
import type { VaultRecord } from './store.ts'

export const vaultToWire = (vault: VaultRecord): Vault => ({
  id: vault.id,
  project_id: vault.projectId,
  name: vault.name,
  provider: vault.provider,
  description: vault.description,
  settings: vault.settings as Vault['settings'],
  version: vault.version,
  created_at: vault.createdAt.toISOString(),
  updated_at: vault.updatedAt.toISOString(),
})

const time = (at: Date | null | undefined): string | null => at?.toISOString() ?? null

/** A credential that nobody has read yet has no copy. */
export const syncToWire = (credentialId: string, copy: CopyRecord | undefined): VaultSync => ({
  credential_id: credentialId,
  state: copy?.state ?? 'pending',
  last_error: copy?.lastError ?? null,
  synced_version: copy?.syncedVersion ?? null,
  vault_version: copy?.vaultVersion ?? null,
  last_synced_at: time(copy?.lastSyncedAt),
  last_checked_at: time(copy?.lastCheckedAt),
  next_check_at: time(copy?.nextCheckAt),
})
