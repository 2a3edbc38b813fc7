import type { Sealed } from '@opsconductor/crypto'
import type pg from 'pg'
import type { KeyUse } from './ciphers.ts'

/** Keeps `canary` as the first thing that a key of this use encrypted, unless there is one already. */
export async function insertCanary(pool: pg.Pool, keyUse: KeyUse, canary: Sealed): Promise<void> {
  await pool.query(
    `INSERT INTO secrets.key_canaries (key_use, key_id, canary_encrypted) VALUES ($1, $2, $3)
     ON CONFLICT (key_use) DO NOTHING`,
    [keyUse, canary.keyId, canary.ciphertext],
  )
}

export async function selectCanaries(pool: pg.Pool): Promise<Map<string, Sealed>> {
  const { rows } = await pool.query<{ key_use: string; key_id: string; canary_encrypted: string }>(
    'SELECT key_use, key_id, canary_encrypted FROM secrets.key_canaries',
  )
  return new Map(rows.map((row) => [row.key_use, { keyId: row.key_id, ciphertext: row.canary_encrypted }]))
}
