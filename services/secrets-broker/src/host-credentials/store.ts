import type { HostCredential as HostCredentialWire, ListHostCredentials } from '@opsconductor/contracts'
import { isForeignKeyViolation } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import type pg from 'pg'
import type { z } from 'zod'
import type { Scope } from './scope.ts'

export interface HostCredentialKey {
  host: string
  purpose: string
  /** Empty where the host has one account for the purpose. */
  label: string
}

export interface HostCredential extends HostCredentialKey {
  id: number
  /** Goes up with every change. */
  version: number
  projectId: string | null
  username: string | null
  /** Of a row that another program of the seed wrote, no key is known. */
  password: { keyId: string | null; ciphertext: string } | null
  domain: string | null
  additionalData: Record<string, unknown>
}

interface Row {
  id: number
  host: string
  purpose: string
  label: string
  version: number
  project_id: string | null
  username: string | null
  password_encrypted: string | null
  key_id: string | null
  domain: string | null
  additional_data: Record<string, unknown> | null
}

const toHostCredential = (row: Row): HostCredential => ({
  id: row.id,
  host: row.host,
  purpose: row.purpose,
  label: row.label,
  version: row.version,
  projectId: row.project_id,
  username: row.username,
  password:
    row.password_encrypted === null ? null : { ciphertext: row.password_encrypted, keyId: row.key_id },
  domain: row.domain,
  additionalData: row.additional_data ?? {},
})

const selectSql = `
SELECT c.id, c.host, c.purpose, c.label, c.version, c.project_id, c.username, c.password_encrypted, c.key_id, c.domain,
  c.additional_data
FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::uuid[]) WITH ORDINALITY
  AS wanted (host, purpose, label, every_project, project_id, place)
LEFT JOIN secrets.host_credentials c ON c.host = wanted.host AND c.purpose = wanted.purpose AND c.label = wanted.label
  AND (wanted.every_project OR c.project_id IS NULL OR c.project_id = wanted.project_id)
ORDER BY place`

export interface Wanted {
  key: HostCredentialKey
  scope: Scope
}

/** One for each that is wanted, in that order. */
export async function selectHostCredentials(
  pool: pg.Pool,
  wanted: readonly Wanted[],
): Promise<(HostCredential | undefined)[]> {
  const { rows } = await pool.query<Row | { id: null }>({
    name: 'select-host-credentials',
    text: selectSql,
    values: [
      wanted.map(({ key }) => key.host),
      wanted.map(({ key }) => key.purpose),
      wanted.map(({ key }) => key.label),
      wanted.map(({ scope }) => scope.everyProject),
      wanted.map(({ scope }) => scope.projectId),
    ],
  })
  return rows.map((row) => (row.id === null ? undefined : toHostCredential(row)))
}

// xmax is 0 in a row that was inserted, not updated. A row keeps its project: a caller for the platform does not take it
// away from its project, and one for a project does not take it from the platform.
const upsertSql = `
INSERT INTO secrets.host_credentials AS c
  (host, purpose, label, username, password_encrypted, key_id, domain, additional_data, project_id, created_by, updated_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
ON CONFLICT (host, purpose, label) DO UPDATE SET
  username = EXCLUDED.username, password_encrypted = EXCLUDED.password_encrypted, key_id = EXCLUDED.key_id,
  domain = EXCLUDED.domain, additional_data = EXCLUDED.additional_data, updated_by = EXCLUDED.updated_by,
  updated_at = CURRENT_TIMESTAMP, version = c.version + 1
WHERE $11 OR c.project_id IS NOT DISTINCT FROM EXCLUDED.project_id
RETURNING id, project_id, xmax = 0 AS created`

export interface UpsertedRow {
  id: number
  project_id: string | null
  created: boolean
}

/** Undefined where the row is of another project. Throws `not_found` where the project has gone. */
export async function upsertHostCredential(
  client: pg.PoolClient,
  credential: Omit<HostCredential, 'id' | 'version' | 'projectId'>,
  { projectId, everyProject }: Scope,
  by: string,
): Promise<UpsertedRow | undefined> {
  const { rows } = await client
    .query<UpsertedRow>({
      name: 'upsert-host-credential',
      text: upsertSql,
      values: [
        credential.host,
        credential.purpose,
        credential.label,
        credential.username,
        credential.password?.ciphertext ?? null,
        credential.password?.keyId ?? null,
        credential.domain,
        JSON.stringify(credential.additionalData),
        projectId,
        by,
        everyProject,
      ],
    })
    .catch((error: unknown) => {
      throw isForeignKeyViolation(error)
        ? new AppError('not_found', 'There is no such project (any more).')
        : error
    })
  return rows[0]
}

/** The project of what was deleted; undefined where there was none. */
export async function removeHostCredential(
  client: pg.PoolClient,
  { host, purpose, label }: HostCredentialKey,
  { everyProject, projectId }: Scope,
): Promise<{ id: number; projectId: string | null } | undefined> {
  const { rows } = await client.query<{ id: number; project_id: string | null }>({
    name: 'delete-host-credential',
    text: `DELETE FROM secrets.host_credentials
      WHERE host = $1 AND purpose = $2 AND label = $3 AND ($4 OR project_id IS NOT DISTINCT FROM $5)
      RETURNING id, project_id`,
    values: [host, purpose, label, everyProject, projectId],
  })
  return rows[0] && { id: rows[0].id, projectId: rows[0].project_id }
}

type ListedRow = Omit<HostCredentialWire, 'created_at' | 'updated_at'> & {
  created_at: Date
  updated_at: Date
}

const listSql = `
SELECT id, host, purpose, label, username, domain, version, coalesce(created_at, 'epoch') AS created_at,
  coalesce(updated_at, 'epoch') AS updated_at
FROM secrets.host_credentials
WHERE project_id = $1 AND ($2::text IS NULL OR host = $2) AND ($3::text IS NULL OR purpose = $3)
  AND ($4::int IS NULL OR id < $4)
ORDER BY id DESC LIMIT $5`

/** Newest first, one more than asked for. */
export async function selectHostCredentialPage(
  pool: pg.Pool,
  projectId: string,
  { host, purpose, cursor, limit }: z.infer<typeof ListHostCredentials>,
): Promise<ListedRow[]> {
  const values = [projectId, host ?? null, purpose ?? null, cursor ?? null, limit + 1]
  const { rows } = await pool.query<ListedRow>(listSql, values)
  return rows
}
