import type { ListCredentials } from '@opsconductor/contracts'
import { isForeignKeyViolation, isUniqueViolation } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import { pageArguments } from '@opsconductor/service-kit'
import type pg from 'pg'
import { z } from 'zod'
import type { PrismaClient } from '../generated/client.ts'
import type { Encrypted } from '../keyring/ciphers.ts'

/** What is known of a credential without opening it. */
export interface CredentialRecord {
  id: string
  projectId: string
  name: string
  type: string
  description: string | null
  extra: Record<string, unknown>
  isActive: boolean
  createdAt: Date
  updatedAt: Date
}

export interface SealedCredential {
  id: string
  projectId: string
  name: string
  type: string
  extra: Record<string, unknown>
  secret: Encrypted
}

export type NewCredential = Omit<SealedCredential, 'secret'> & {
  description: string | null
  secret: { keyId: string; ciphertext: string }
  by: string
}

const insertSql = `
INSERT INTO secrets.credentials
  (id, project_id, name, type, description, secret_encrypted, key_id, extra, created_by, updated_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
RETURNING is_active, created_at, updated_at`

/** Throws `conflict` where the name is taken in the project, `not_found` where the project has gone. */
export async function insertCredential(
  client: pg.PoolClient,
  { secret, by, ...credential }: NewCredential,
): Promise<CredentialRecord> {
  const { id, projectId, name, type, description, extra } = credential
  const { rows } = await client
    .query<{ is_active: boolean; created_at: Date; updated_at: Date }>(insertSql, [
      id,
      projectId,
      name,
      type,
      description,
      secret.ciphertext,
      secret.keyId,
      JSON.stringify(extra),
      by,
    ])
    .catch((error: unknown) => {
      throw refusalOf(error) ?? error
    })
  const row = rows[0] as (typeof rows)[number]
  return { ...credential, isActive: row.is_active, createdAt: row.created_at, updatedAt: row.updated_at }
}

function refusalOf(error: unknown): AppError | undefined {
  if (isUniqueViolation(error, 'credentials_project_id_name_key'))
    return new AppError('conflict', 'The project has a credential of this name; give another name.', {
      errors: [{ path: 'body.name', message: 'is taken in this project' }],
    })
  if (isForeignKeyViolation(error)) return new AppError('not_found', 'There is no such project (any more).')
  return undefined
}

/** The name of what was deleted; undefined where there was nothing to delete. */
export async function softDeleteCredential(
  client: pg.PoolClient,
  { projectId, id, by }: { projectId: string; id: string; by: string },
): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>(
    `UPDATE secrets.credentials
     SET deleted_at = CURRENT_TIMESTAMP, updated_at = CURRENT_TIMESTAMP, is_active = false, updated_by = $3
     WHERE project_id = $1 AND id = $2 AND deleted_at IS NULL RETURNING name`,
    [projectId, id, by],
  )
  return rows[0]?.name
}

const columnOf = (reference: string): 'id' | 'name' => (z.uuid().safeParse(reference).success ? 'id' : 'name')

const selectSql = {
  id: selectBy('id'),
  name: selectBy('name'),
}

function selectBy(column: 'id' | 'name'): string {
  return `SELECT id, project_id, name, type, extra, secret_encrypted, key_id FROM secrets.credentials
    WHERE project_id = $1 AND ${column} = $2 AND deleted_at IS NULL AND is_active`
}

interface SealedRow {
  id: string
  project_id: string
  name: string
  type: string
  extra: Record<string, unknown>
  secret_encrypted: string
  key_id: string
}

/** An active credential of the project, by id or name. */
export async function selectSealedCredential(
  pool: pg.Pool,
  projectId: string,
  reference: string,
): Promise<SealedCredential | undefined> {
  const column = columnOf(reference)
  const { rows } = await pool.query<SealedRow>({
    name: `select-credential-by-${column}`,
    text: selectSql[column],
    values: [projectId, reference],
  })
  const row = rows[0]
  if (row === undefined) return undefined
  const { id, name, type, extra } = row
  const secret = { keyId: row.key_id, ciphertext: row.secret_encrypted }
  return { id, projectId: row.project_id, name, type, extra, secret }
}

// Not even the ciphertext is read where nobody will open it.
const omit = { secretEncrypted: true, keyId: true } as const

type Row = Omit<CredentialRecord, 'extra'> & { extra: unknown }
const toRecord = (row: Row): CredentialRecord => ({ ...row, extra: row.extra as Record<string, unknown> })

export async function selectCredential(
  prisma: PrismaClient,
  projectId: string,
  reference: string,
): Promise<CredentialRecord | undefined> {
  const row = await prisma.credential.findFirst({
    where: { projectId, deletedAt: null, [columnOf(reference)]: reference },
    omit,
  })
  return row === null ? undefined : toRecord(row)
}

/** Newest first, one more than asked for. */
export async function selectCredentials(
  prisma: PrismaClient,
  projectId: string,
  { type, name, ...page }: z.infer<typeof ListCredentials>,
): Promise<CredentialRecord[]> {
  const filter = { ...(type === undefined ? {} : { type }), ...(name === undefined ? {} : { name }) }
  const rows = await prisma.credential.findMany({
    where: { projectId, deletedAt: null, ...filter },
    omit,
    ...pageArguments(page),
  })
  return rows.map(toRecord)
}
