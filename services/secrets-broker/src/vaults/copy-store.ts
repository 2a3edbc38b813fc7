import type { VaultSync } from '@opsconductor/contracts'
import type pg from 'pg'
import type { Sealed } from '../keyring/cipher.ts'

export interface CopyRecord {
  credentialId: string
  projectId: string
  sourceHash: string | null
  /** Null until the vault was read once. */
  secret: Sealed | null
  syncedVersion: string | null
  vaultVersion: string | null
  state: VaultSync['state']
  lastError: string | null
  lastSyncedAt: Date | null
  lastCheckedAt: Date | null
  nextCheckAt: Date
}

type Row = Omit<CopyRecord, 'secret'> & { ciphertext: string | null; keyId: string | null }

const columns = `credential_id AS "credentialId", project_id AS "projectId", source_hash AS "sourceHash",
  secret_encrypted AS ciphertext, key_id AS "keyId", synced_version AS "syncedVersion",
  vault_version AS "vaultVersion", state, last_error AS "lastError", last_synced_at AS "lastSyncedAt",
  last_checked_at AS "lastCheckedAt", next_check_at AS "nextCheckAt"`

const toRecord = ({ ciphertext, keyId, ...row }: Row): CopyRecord => ({
  ...row,
  secret: ciphertext === null || keyId === null ? null : { ciphertext, keyId },
})

export async function selectCopy(
  executor: pg.Pool | pg.PoolClient,
  projectId: string,
  credentialId: string,
): Promise<CopyRecord | undefined> {
  const { rows } = await executor.query<Row>({
    name: 'select-vault-copy',
    text: `SELECT ${columns} FROM secrets.vault_copies WHERE credential_id = $1 AND project_id = $2`,
    values: [credentialId, projectId],
  })
  return rows[0] === undefined ? undefined : toRecord(rows[0])
}

/** Undefined where the credential was deleted meanwhile. */
export async function upsertCopy(client: pg.PoolClient, copy: CopyRecord): Promise<CopyRecord | undefined> {
  const { rows } = await client.query<Row>(
    `INSERT INTO secrets.vault_copies
       (credential_id, project_id, source_hash, secret_encrypted, key_id, synced_version, vault_version, state,
        last_error, last_synced_at, last_checked_at, next_check_at)
     SELECT id, project_id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM secrets.credentials
     WHERE id = $1 AND project_id = $2 AND deleted_at IS NULL
     ON CONFLICT (credential_id) DO UPDATE SET
       source_hash = EXCLUDED.source_hash, secret_encrypted = EXCLUDED.secret_encrypted, key_id = EXCLUDED.key_id,
       synced_version = EXCLUDED.synced_version, vault_version = EXCLUDED.vault_version, state = EXCLUDED.state,
       last_error = EXCLUDED.last_error, last_synced_at = EXCLUDED.last_synced_at,
       last_checked_at = EXCLUDED.last_checked_at, next_check_at = EXCLUDED.next_check_at
     RETURNING ${columns}`,
    [
      copy.credentialId,
      copy.projectId,
      copy.sourceHash,
      copy.secret?.ciphertext ?? null,
      copy.secret?.keyId ?? null,
      copy.syncedVersion,
      copy.vaultVersion,
      copy.state,
      copy.lastError,
      copy.lastSyncedAt,
      copy.lastCheckedAt,
      copy.nextCheckAt,
    ],
  )
  return rows[0] === undefined ? undefined : toRecord(rows[0])
}

export interface DueCredential {
  id: string
  projectId: string
  name: string
  extra: Record<string, unknown>
}

const adoptSql = `
INSERT INTO secrets.vault_copies (credential_id, project_id, state, next_check_at)
SELECT id, project_id, 'pending', $1 FROM secrets.credentials
WHERE type = 'vault_ref' AND deleted_at IS NULL AND is_active AND extra->>'mode' = 'synchronised'
  AND NOT EXISTS (SELECT FROM secrets.vault_copies WHERE credential_id = id)
ON CONFLICT DO NOTHING`

const claimSql = `
UPDATE secrets.vault_copies copy SET next_check_at = $2 FROM secrets.credentials
WHERE credentials.id = copy.credential_id AND copy.credential_id IN (
  SELECT credential_id FROM secrets.vault_copies JOIN secrets.credentials ON id = credential_id
  WHERE next_check_at <= $1 AND type = 'vault_ref' AND deleted_at IS NULL AND is_active
    AND extra->>'mode' = 'synchronised'
  ORDER BY next_check_at LIMIT $3 FOR UPDATE OF vault_copies SKIP LOCKED)
RETURNING credentials.id, credentials.project_id AS "projectId", name, extra`

/** Synchronised credentials whose time has come. Nobody else gets them until `claimedUntil`. */
export async function claimDueCredentials(
  executor: pg.Pool | pg.PoolClient,
  { now, claimedUntil, limit }: { now: Date; claimedUntil: Date; limit: number },
): Promise<DueCredential[]> {
  await executor.query(adoptSql, [now])
  const { rows } = await executor.query<DueCredential>(claimSql, [now, claimedUntil, limit])
  return rows
}
