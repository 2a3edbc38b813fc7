import type pg from 'pg'
import type { Encrypted } from '../keyring/ciphers.ts'

export interface HostCredentialKey {
  host: string
  purpose: string
}

export interface HostCredential extends HostCredentialKey {
  id: number
  username: string | null
  password: Encrypted | null
  domain: string | null
  additionalData: Record<string, unknown>
}

interface Row {
  id: number
  host: string
  purpose: string
  username: string | null
  password_encrypted: string | null
  key_id: string | null
  domain: string | null
  additional_data: Record<string, unknown> | null
}

const selectSql = `
SELECT id, host, purpose, username, password_encrypted, key_id, domain, additional_data
FROM secrets.host_credentials WHERE host = $1 AND purpose = $2`

export async function selectHostCredential(
  pool: pg.Pool,
  { host, purpose }: HostCredentialKey,
): Promise<HostCredential | undefined> {
  const { rows } = await pool.query<Row>({
    name: 'select-host-credential',
    text: selectSql,
    values: [host, purpose],
  })
  const row = rows[0]
  return row === undefined ? undefined : toHostCredential(row)
}

const toHostCredential = (row: Row): HostCredential => ({
  id: row.id,
  host: row.host,
  purpose: row.purpose,
  username: row.username,
  password:
    row.password_encrypted === null ? null : { ciphertext: row.password_encrypted, keyId: row.key_id },
  domain: row.domain,
  additionalData: row.additional_data ?? {},
})

// xmax is 0 in a row that was inserted, not updated.
const upsertSql = `
INSERT INTO secrets.host_credentials
  (host, purpose, username, password_encrypted, key_id, domain, additional_data, created_by, updated_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
ON CONFLICT (host, purpose) DO UPDATE SET
  username = EXCLUDED.username, password_encrypted = EXCLUDED.password_encrypted, key_id = EXCLUDED.key_id,
  domain = EXCLUDED.domain, additional_data = EXCLUDED.additional_data, updated_by = EXCLUDED.updated_by,
  updated_at = CURRENT_TIMESTAMP
RETURNING id, xmax = 0 AS created`

export async function upsertHostCredential(
  client: pg.PoolClient,
  credential: Omit<HostCredential, 'id'>,
  by: string,
): Promise<{ id: number; created: boolean }> {
  const { rows } = await client.query<{ id: number; created: boolean }>({
    name: 'upsert-host-credential',
    text: upsertSql,
    values: [
      credential.host,
      credential.purpose,
      credential.username,
      credential.password?.ciphertext ?? null,
      credential.password?.keyId ?? null,
      credential.domain,
      JSON.stringify(credential.additionalData),
      by,
    ],
  })
  return rows[0] as { id: number; created: boolean }
}

/** True where there was one. */
export async function removeHostCredential(
  client: pg.PoolClient,
  { host, purpose }: HostCredentialKey,
): Promise<boolean> {
  const { rowCount } = await client.query({
    name: 'delete-host-credential',
    text: 'DELETE FROM secrets.host_credentials WHERE host = $1 AND purpose = $2',
    values: [host, purpose],
  })
  return rowCount !== 0
}
