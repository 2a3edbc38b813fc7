import type { KeyProvider } from '@opsconductor/crypto'
import type pg from 'pg'
import type { KeyUse } from './master-keys.ts'

type Executor = pg.Pool | pg.PoolClient

/** Data keys of host credentials belong to no project. */
export const useOf = (projectId: string | null): KeyUse =>
  projectId === null ? 'host_credentials' : 'credentials'

export interface MasterKeyRow {
  keyUse: KeyUse
  keyId: string
  provider: KeyProvider
  state: 'current' | 'decrypt_only' | 'destroyed'
  canary: string
  /** Its bytes, encrypted under another master key of the use; only while a rotation is not over. */
  copy: { wrapped: string; by: string } | undefined
}

/** The master keys that are not destroyed. */
export async function selectMasterKeys(executor: Executor): Promise<MasterKeyRow[]> {
  const { rows } = await executor.query(
    `SELECT key_use, key_id, provider, state, canary_encrypted, wrapped_key, wrapped_by FROM secrets.master_keys
     WHERE state <> 'destroyed' ORDER BY created_at`,
  )
  return rows.map((row) => ({
    keyUse: row.key_use,
    keyId: row.key_id,
    provider: row.provider,
    state: row.state,
    canary: row.canary_encrypted,
    copy: row.wrapped_key === null ? undefined : { wrapped: row.wrapped_key, by: row.wrapped_by },
  }))
}

/** Keeps the key as the first one of its use; does nothing where there is one already. */
export async function insertFirstMasterKey(
  executor: Executor,
  key: Pick<MasterKeyRow, 'keyUse' | 'keyId' | 'provider' | 'canary'>,
): Promise<void> {
  await executor.query(
    `INSERT INTO secrets.master_keys (key_use, key_id, provider, state, canary_encrypted)
     VALUES ($1, $2, $3, 'current', $4) ON CONFLICT DO NOTHING`,
    [key.keyUse, key.keyId, key.provider, key.canary],
  )
}

/** True where the key is the current one of its use, which it then stays until the transaction has ended. */
export async function holdCurrentMasterKey(
  client: pg.PoolClient,
  keyUse: KeyUse,
  keyId: string,
): Promise<boolean> {
  const { rowCount } = await client.query({
    name: 'hold-current-master-key',
    text: `SELECT FROM secrets.master_keys WHERE key_use = $1 AND key_id = $2 AND state = 'current' FOR SHARE`,
    values: [keyUse, keyId],
  })
  return rowCount !== 0
}

export interface DataKeyRow {
  id: string
  projectId: string | null
  masterKeyId: string
  wrapped: string
}

/** What a DataKeyRow is read from. */
export const dataKeyColumns =
  'id, project_id AS "projectId", master_key_id AS "masterKeyId", wrapped_key AS wrapped'

export async function selectDataKey(executor: Executor, id: string): Promise<DataKeyRow | undefined> {
  const { rows } = await executor.query<DataKeyRow>(
    `SELECT ${dataKeyColumns} FROM secrets.data_keys WHERE id = $1`,
    [id],
  )
  return rows[0]
}

/** The key that encrypts for the project (null: for the platform itself) now. */
export async function selectCurrentDataKey(
  executor: Executor,
  projectId: string | null,
): Promise<DataKeyRow | undefined> {
  const { rows } = await executor.query<DataKeyRow>(
    `SELECT ${dataKeyColumns} FROM secrets.data_keys WHERE project_id IS NOT DISTINCT FROM $1 AND state = 'current'`,
    [projectId],
  )
  return rows[0]
}

/** Picked at random. */
export async function selectDataKeySample(
  executor: Executor,
  keyUse: KeyUse,
  limit: number,
): Promise<DataKeyRow[]> {
  const { rows } = await executor.query<DataKeyRow>(
    `SELECT ${dataKeyColumns} FROM secrets.data_keys WHERE (project_id IS NULL) = $1 ORDER BY random() LIMIT $2`,
    [keyUse === 'host_credentials', limit],
  )
  return rows
}

/**
 * Does nothing where the project has a current key already, or another master key has become the current one: a
 * rotation would not see the row.
 */
export async function insertDataKey(executor: Executor, key: DataKeyRow): Promise<void> {
  await executor.query(
    `INSERT INTO secrets.data_keys (id, project_id, master_key_id, wrapped_key, state)
     SELECT $1, $2, key_id, $4, 'current' FROM secrets.master_keys
     WHERE key_use = $5 AND key_id = $3 AND state = 'current' FOR SHARE
     ON CONFLICT (project_id) WHERE state = 'current' DO NOTHING`,
    [key.id, key.projectId, key.masterKeyId, key.wrapped, useOf(key.projectId)],
  )
}
