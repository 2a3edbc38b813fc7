import type { KeyRotation, MasterKeyState, RotationProof } from '@opsconductor/contracts'
import { isUniqueViolation } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import type pg from 'pg'
import type { z } from 'zod'
import type { KeyUse } from './master-keys.ts'
import { type DataKeyRow, dataKeyColumns, type MasterKeyRow } from './store.ts'

type Executor = pg.Pool | pg.PoolClient

/** Data keys of host credentials belong to no project. */
const isOfUse = (keyUse: KeyUse, column = 'project_id') =>
  `${column} IS ${keyUse === 'host_credentials' ? 'NULL' : 'NOT NULL'}`

const rotationColumns = `id, key_use, from_key_id, to_key_id, state, rows_total::int, rows_done::int, last_error, proof,
  started_by, started_at, finished_at`

type RotationRow = Omit<KeyRotation, 'started_at' | 'finished_at'> & {
  started_at: Date
  finished_at: Date | null
}

const toRotation = (row: RotationRow): KeyRotation => ({
  ...row,
  started_at: row.started_at.toISOString(),
  finished_at: row.finished_at?.toISOString() ?? null,
})

/** The latest first. */
export async function selectRotations(executor: Executor): Promise<KeyRotation[]> {
  const { rows } = await executor.query<RotationRow>(
    `SELECT ${rotationColumns} FROM secrets.key_rotations ORDER BY started_at DESC, id LIMIT 100`,
  )
  return rows.map(toRotation)
}

export async function selectRotation(executor: Executor, id: string): Promise<KeyRotation | undefined> {
  const { rows } = await executor.query<RotationRow>(
    `SELECT ${rotationColumns} FROM secrets.key_rotations WHERE id = $1`,
    [id],
  )
  return rows[0] && toRotation(rows[0])
}

/** Throws `conflict` where a rotation of this use is under way. */
export async function insertRotation(
  client: pg.PoolClient,
  rotation: Pick<KeyRotation, 'id' | 'key_use' | 'from_key_id' | 'to_key_id' | 'rows_total' | 'started_by'>,
): Promise<KeyRotation> {
  const { id, key_use, from_key_id, to_key_id, rows_total, started_by } = rotation
  const { rows } = await client
    .query<RotationRow>(
      `INSERT INTO secrets.key_rotations (id, key_use, from_key_id, to_key_id, state, rows_total, started_by)
       VALUES ($1, $2, $3, $4, 'running', $5, $6) RETURNING ${rotationColumns}`,
      [id, key_use, from_key_id, to_key_id, rows_total, started_by],
    )
    .catch((error: unknown) => {
      throw isUniqueViolation(error, 'key_rotations_one_running')
        ? new AppError('conflict', `A rotation of the master key of ${key_use} is under way.`)
        : error
    })
  return toRotation(rows[0] as RotationRow)
}

/** Makes `to` the current key of its use and `from` one that only decrypts, each with the other's copy. */
export async function switchMasterKeys(
  client: pg.PoolClient,
  from: Pick<MasterKeyRow, 'keyUse' | 'keyId' | 'copy'>,
  to: Omit<MasterKeyRow, 'state'>,
): Promise<void> {
  const { rowCount } = await client.query(
    `UPDATE secrets.master_keys SET state = 'decrypt_only', state_changed_at = CURRENT_TIMESTAMP,
       wrapped_key = $3, wrapped_by = $4 WHERE key_use = $1 AND key_id = $2 AND state = 'current'`,
    [from.keyUse, from.keyId, from.copy?.wrapped ?? null, from.copy?.by ?? null],
  )
  if (rowCount === 0)
    throw new AppError('conflict', 'Another master key has become the current one meanwhile.')
  await client.query(
    `INSERT INTO secrets.master_keys (key_use, key_id, provider, state, canary_encrypted, wrapped_key, wrapped_by)
     VALUES ($1, $2, $3, 'current', $4, $5, $6)
     ON CONFLICT (key_use, key_id) DO UPDATE SET state = 'current', state_changed_at = CURRENT_TIMESTAMP,
       wrapped_key = EXCLUDED.wrapped_key, wrapped_by = EXCLUDED.wrapped_by`,
    [to.keyUse, to.keyId, to.provider, to.canary, to.copy?.wrapped ?? null, to.copy?.by ?? null],
  )
}

/** What a use's keys encrypt: rows by the key that they name, and data keys by the master key that wraps them. */
export async function countByKey(
  executor: Executor,
  keyUse: KeyUse,
): Promise<{ rows: Map<string | null, number>; dataKeys: Map<string, number> }> {
  const rows =
    keyUse === 'host_credentials'
      ? await executor.query<{ key_id: string | null; n: number }>(
          'SELECT key_id, count(*)::int AS n FROM secrets.host_credentials WHERE password_encrypted IS NOT NULL GROUP BY 1',
        )
      : { rows: [] }
  const dataKeys = await executor.query<{ key_id: string; n: number }>(
    `SELECT master_key_id AS key_id, count(*)::int AS n FROM secrets.data_keys WHERE ${isOfUse(keyUse)} GROUP BY 1`,
  )
  return {
    rows: new Map(rows.rows.map(({ key_id, n }) => [key_id, n])),
    dataKeys: new Map(dataKeys.rows.map(({ key_id, n }) => [key_id, n])),
  }
}

export interface EncryptedRow {
  id: number
  keyId: string | null
  ciphertext: string
}

/** Host credentials after `afterId` that are not under the key `keyId`, in the order of their ids. */
export async function selectRowsNotUnder(
  executor: Executor,
  keyId: string,
  afterId: number,
  limit: number,
): Promise<EncryptedRow[]> {
  const { rows } = await executor.query<EncryptedRow>({
    name: 'select-rows-not-under',
    text: `SELECT id, key_id AS "keyId", password_encrypted AS ciphertext FROM secrets.host_credentials
       WHERE id > $2 AND password_encrypted IS NOT NULL AND key_id IS DISTINCT FROM $1 ORDER BY id LIMIT $3`,
    values: [keyId, afterId, limit],
  })
  return rows
}

/** A batch that was prepared before a rollback must not be written after it: both hold the rotation's row. */
const lockRunning = (id: string) =>
  `SELECT FROM secrets.key_rotations WHERE id = ${id} AND state = 'running' FOR UPDATE`

/**
 * Puts the rows' new ciphertexts in the place of their old ones and counts them for the rotation. A row that was changed
 * meanwhile is left alone: whoever changed it used the current key.
 */
export async function replaceCiphertexts(
  pool: pg.Pool,
  rotationId: string,
  keyId: string,
  replacements: readonly { id: number; old: string; new: string }[],
): Promise<void> {
  await pool.query({
    name: 'replace-ciphertexts',
    text: `WITH running AS (${lockRunning('$5')}), replaced AS (
        UPDATE secrets.host_credentials c SET password_encrypted = r.new, key_id = $1
        FROM running, unnest($2::int[], $3::text[], $4::text[]) AS r (id, old, new)
        WHERE c.id = r.id AND c.password_encrypted = r.old RETURNING 1
      )
      UPDATE secrets.key_rotations SET rows_done = rows_done + (SELECT count(*) FROM replaced), last_error = NULL
      WHERE id = $5`,
    values: [
      keyId,
      replacements.map(({ id }) => id),
      replacements.map((one) => one.old),
      replacements.map((one) => one.new),
      rotationId,
    ],
  })
}

/** Data keys of the use that another master key wraps than `masterKeyId`. */
export async function selectDataKeysNotUnder(
  executor: Executor,
  keyUse: KeyUse,
  masterKeyId: string,
  limit: number,
): Promise<DataKeyRow[]> {
  const { rows } = await executor.query<DataKeyRow>(
    `SELECT ${dataKeyColumns} FROM secrets.data_keys WHERE ${isOfUse(keyUse)} AND master_key_id <> $1 ORDER BY id LIMIT $2`,
    [masterKeyId, limit],
  )
  return rows
}

export async function replaceWrap(
  pool: pg.Pool,
  rotationId: string,
  key: DataKeyRow,
  next: { masterKeyId: string; wrapped: string },
): Promise<void> {
  await pool.query(
    `WITH running AS (${lockRunning('$5')}), replaced AS (
       UPDATE secrets.data_keys d SET wrapped_key = $1, master_key_id = $2 FROM running
       WHERE d.id = $3 AND d.wrapped_key = $4 RETURNING 1
     )
     UPDATE secrets.key_rotations SET rows_done = rows_done + (SELECT count(*) FROM replaced), last_error = NULL
     WHERE id = $5`,
    [next.wrapped, next.masterKeyId, key.id, key.wrapped, rotationId],
  )
}

/** Picked at random. */
export async function selectSample(executor: Executor, limit: number): Promise<EncryptedRow[]> {
  const { rows } = await executor.query<EncryptedRow>(
    `SELECT id, key_id AS "keyId", password_encrypted AS ciphertext FROM secrets.host_credentials
     WHERE password_encrypted IS NOT NULL ORDER BY random() LIMIT $1`,
    [limit],
  )
  return rows
}

export async function updateRotationError(pool: pg.Pool, id: string, error: string): Promise<void> {
  await pool.query("UPDATE secrets.key_rotations SET last_error = $2 WHERE id = $1 AND state = 'running'", [
    id,
    error.slice(0, 1000),
  ])
}

/** False where it has ended already. */
export async function endRotation(
  client: pg.PoolClient,
  id: string,
  state: 'completed' | 'rolled_back',
  proof: RotationProof | null,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `UPDATE secrets.key_rotations SET state = $2, proof = $3, last_error = NULL, finished_at = CURRENT_TIMESTAMP
     WHERE id = $1 AND state IN ('running', 'completed') AND state <> $2`,
    [id, state, proof],
  )
  return rowCount !== 0
}

/**
 * Forgets the keys of the use that encrypt nothing any more, and every copy of a key's bytes. To be called only where
 * the current key is configured.
 */
export async function destroyUnusedKeys(executor: Executor, keyUse: KeyUse): Promise<void> {
  await executor.query(
    `WITH gone AS (
       UPDATE secrets.master_keys m SET state = 'destroyed', state_changed_at = CURRENT_TIMESTAMP,
         wrapped_key = NULL, wrapped_by = NULL
       WHERE key_use = $1 AND state = 'decrypt_only'
         AND NOT EXISTS (SELECT FROM secrets.key_rotations r WHERE r.key_use = $1 AND r.state = 'running')
         AND NOT EXISTS (SELECT FROM secrets.data_keys d WHERE d.${isOfUse(keyUse)} AND d.master_key_id = m.key_id)
         AND ($1 <> 'host_credentials' OR NOT EXISTS (
           SELECT FROM secrets.host_credentials c
           WHERE c.password_encrypted IS NOT NULL AND (c.key_id IS NULL OR c.key_id = m.key_id)))
       RETURNING key_id
     )
     UPDATE secrets.master_keys SET wrapped_key = NULL, wrapped_by = NULL
     WHERE key_use = $1 AND state = 'current' AND wrapped_by IN (SELECT key_id FROM gone)`,
    [keyUse],
  )
}

export async function selectKeyStates(executor: Executor): Promise<z.infer<typeof MasterKeyState>[]> {
  const { rows } = await executor.query(
    `SELECT m.key_use, m.key_id, m.provider, m.state, m.created_at, m.state_changed_at,
       CASE WHEN m.key_use = 'host_credentials' THEN
         (SELECT count(*)::int FROM secrets.host_credentials c WHERE c.key_id = m.key_id) ELSE 0 END AS rows,
       (SELECT count(*)::int FROM secrets.data_keys d WHERE d.master_key_id = m.key_id
         AND (d.project_id IS NULL) = (m.key_use = 'host_credentials')) AS data_keys
     FROM secrets.master_keys m ORDER BY m.key_use, m.created_at`,
  )
  return rows.map((row) => ({
    ...row,
    created_at: row.created_at.toISOString(),
    state_changed_at: row.state_changed_at.toISOString(),
  }))
}
