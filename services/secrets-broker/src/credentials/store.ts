import type { ListCredentials } from '@opsconductor/contracts'
import { isForeignKeyViolation, isUniqueViolation } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import { pageArguments } from '@opsconductor/service-kit'
import type pg from 'pg'
import { z } from 'zod'
import type { CertificateColumns } from '../credential-types/define-credential-type.ts'
import type { PrismaClient } from '../generated/client.ts'
import type { Sealed } from '../keyring/cipher.ts'

/** What is known of a credential without opening it. */
export interface CredentialRecord extends CertificateColumns {
  id: string
  projectId: string
  name: string
  type: string
  description: string | null
  extra: Record<string, unknown>
  isActive: boolean
  version: number
  limits: unknown
  expiresAt: Date | null
  rotateEveryDays: number | null
  rotatedAt: Date
  deletedAt: Date | null
  createdAt: Date
  updatedAt: Date
}

/** As a list has it. */
export type ListedRecord = Omit<CredentialRecord, 'certificate' | 'certificateChain'>

export interface SealedCredential {
  id: string
  projectId: string
  name: string
  type: string
  /** With the certificate and its chain, where there is one. */
  extra: Record<string, unknown>
  limits: unknown
  expiresAt: Date | null
  secret: Sealed
}

export type NewCredential = Omit<
  CredentialRecord,
  'version' | 'rotatedAt' | 'deletedAt' | 'createdAt' | 'updatedAt'
> & { secret: Sealed; by: string; at: Date }

export const recordColumns = `id, project_id AS "projectId", name, type, description, extra, is_active AS "isActive",
  version, limits, expires_at AS "expiresAt", rotate_every_days AS "rotateEveryDays", rotated_at AS "rotatedAt",
  certificate, certificate_chain AS "certificateChain", certificate_format AS "certificateFormat",
  certificate_expires_at AS "certificateExpiresAt", deleted_at AS "deletedAt", created_at AS "createdAt",
  updated_at AS "updatedAt"`

const insertSql = `
INSERT INTO secrets.credentials
  (id, project_id, name, type, description, secret_encrypted, key_id, extra, is_active, limits, expires_at,
   rotate_every_days, certificate, certificate_chain, certificate_format, certificate_expires_at,
   rotated_at, version_created_at, version_created_by, created_by, updated_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17, $18, $18, $18)
RETURNING ${recordColumns}`

/**
 * Throws `conflict` where the name is taken in the project, `not_found` where the project has gone, or where the id was
 * given and is not free.
 */
export async function insertCredential(
  client: pg.PoolClient,
  { secret, by, at, ...record }: NewCredential,
): Promise<CredentialRecord> {
  const { rows } = await client
    .query<CredentialRecord>(insertSql, [
      record.id,
      record.projectId,
      record.name,
      record.type,
      record.description,
      secret.ciphertext,
      secret.keyId,
      JSON.stringify(record.extra),
      record.isActive,
      JSON.stringify(record.limits),
      record.expiresAt,
      record.rotateEveryDays,
      record.certificate,
      record.certificateChain,
      record.certificateFormat,
      record.certificateExpiresAt,
      at,
      by,
    ])
    .catch(throwRefusal)
  return rows[0] as CredentialRecord
}

/** For what gives a credential its name: throws `conflict` where it is taken, `not_found` where the project has gone. */
export function throwRefusal(error: unknown): never {
  if (isUniqueViolation(error, 'credentials_project_id_name_key'))
    throw new AppError('conflict', 'The project has a credential of this name; give another name.', {
      errors: [{ path: 'body.name', message: 'is taken in this project' }],
    })
  if (isUniqueViolation(error, 'credentials_pkey')) throw idIsNotFree()
  if (isForeignKeyViolation(error)) throw new AppError('not_found', 'There is no such project (any more).')
  throw error
}

const idIsNotFree = () =>
  new AppError('not_found', 'A credential of this id was deleted, or is not of this project.')

/** Throws `not_found` where a credential has the id, deleted or not, in whichever project. */
export async function assertIdIsFree(pool: pg.Pool, id: string): Promise<void> {
  const { rowCount } = await pool.query('SELECT FROM secrets.credentials WHERE id = $1', [id])
  if (rowCount !== 0) throw idIsNotFree()
}

/** Which of the names credentials of the project have that are not deleted. */
export async function selectTakenNames(
  pool: pg.Pool,
  projectId: string,
  names: readonly string[],
): Promise<Set<string>> {
  const { rows } = await pool.query<{ name: string }>(
    'SELECT name FROM secrets.credentials WHERE project_id = $1 AND name = ANY($2) AND deleted_at IS NULL',
    [projectId, names],
  )
  return new Set(rows.map(({ name }) => name))
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

/** Undefined where there is no deleted one. Throws `conflict` where its name was taken meanwhile. */
export async function restoreDeletedCredential(
  client: pg.PoolClient,
  { projectId, id, by, name }: { projectId: string; id: string; by: string; name: string | undefined },
): Promise<CredentialRecord | undefined> {
  const { rows } = await client
    .query<CredentialRecord>(
      `UPDATE secrets.credentials
       SET deleted_at = NULL, updated_at = CURRENT_TIMESTAMP, is_active = true, updated_by = $3, name = coalesce($4, name)
       WHERE project_id = $1 AND id = $2 AND deleted_at IS NOT NULL RETURNING ${recordColumns}`,
      [projectId, id, by, name],
    )
    .catch(throwRefusal)
  return rows[0]
}

const columnOf = (reference: string): 'id' | 'name' => (z.uuid().safeParse(reference).success ? 'id' : 'name')

const selectSql = {
  id: selectBy('id'),
  name: selectBy('name'),
}

function selectBy(column: 'id' | 'name'): string {
  return `SELECT id, project_id AS "projectId", name, type, extra, limits, expires_at AS "expiresAt",
      certificate, certificate_chain AS "certificateChain", secret_encrypted AS ciphertext, key_id AS "keyId"
    FROM secrets.credentials
    WHERE project_id = $1 AND ${column} = $2 AND deleted_at IS NULL AND is_active`
}

type WithCertificate = Pick<CertificateColumns, 'certificate' | 'certificateChain'> & {
  extra: Record<string, unknown>
}
type SealedRow = Omit<SealedCredential, 'secret'> & Sealed & WithCertificate

/** `extra` as the type takes it: a certificate is given in it, and kept in columns of its own. */
export const withCertificate = ({
  extra,
  certificate,
  certificateChain,
}: WithCertificate): Record<string, unknown> =>
  certificate === null
    ? extra
    : { ...extra, certificate, ...(certificateChain === null ? {} : { certificate_chain: certificateChain }) }

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
  const { id, name, type, limits, expiresAt, ciphertext, keyId } = row
  const secret = { keyId, ciphertext }
  return { id, projectId: row.projectId, name, type, extra: withCertificate(row), limits, expiresAt, secret }
}

// Not even the ciphertext is read where nobody will open it.
const omit = { secretEncrypted: true, keyId: true } as const

type Json<Row> = Omit<Row, 'extra'> & { extra: unknown }
const withExtra = <Row extends { extra: unknown }>(row: Row) => ({
  ...row,
  extra: row.extra as Record<string, unknown>,
})

/** A credential of the project that is not deleted, by id or name. */
export async function selectCredential(
  prisma: PrismaClient,
  projectId: string,
  reference: string,
): Promise<CredentialRecord | undefined> {
  const row: Json<CredentialRecord> | null = await prisma.credential.findFirst({
    where: { projectId, deletedAt: null, [columnOf(reference)]: reference },
    omit,
  })
  return row === null ? undefined : withExtra(row)
}

/** Newest first, one more than asked for. `now` is what `expiring_within_days` counts from. */
export async function selectCredentials(
  prisma: PrismaClient,
  projectId: string,
  { type, name, is_active, expiring_within_days, deleted, ...page }: z.infer<typeof ListCredentials>,
  now: Date,
): Promise<ListedRecord[]> {
  const rows: Json<ListedRecord>[] = await prisma.credential.findMany({
    where: {
      projectId,
      deletedAt: deleted ? { not: null } : null,
      ...(type === undefined ? {} : { type }),
      ...(name === undefined ? {} : { name }),
      ...(is_active === undefined ? {} : { isActive: is_active }),
      ...(expiring_within_days === undefined ? {} : { OR: expiringBy(daysAfter(now, expiring_within_days)) }),
    },
    omit: { ...omit, certificate: true, certificateChain: true },
    ...pageArguments(page),
  })
  return rows.map(withExtra)
}

const expiringBy = (lte: Date) => [{ expiresAt: { lte } }, { certificateExpiresAt: { lte } }]

const dayMs = 86_400_000
const daysAfter = (at: Date, days: number) => new Date(at.getTime() + days * dayMs)
