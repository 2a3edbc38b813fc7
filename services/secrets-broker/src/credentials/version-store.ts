import type pg from 'pg'
import type { CertificateColumns } from '../credential-types/define-credential-type.ts'
import type { Sealed } from '../keyring/cipher.ts'
import { type CredentialRecord, recordColumns, throwRefusal } from './store.ts'

type Executor = pg.Pool | pg.PoolClient

/** A credential that is not deleted, with its present secret and since when and by whom it has that. */
export interface CurrentCredential extends CredentialRecord {
  secret: Sealed
  versionCreatedAt: Date
  versionCreatedBy: string | null
}

/** With `lock` nobody else changes it until the transaction has ended. */
export async function selectCurrentCredential(
  executor: Executor,
  projectId: string,
  id: string,
  { lock = false } = {},
): Promise<CurrentCredential | undefined> {
  const { rows } = await executor.query<Omit<CurrentCredential, 'secret'> & Sealed>(
    `SELECT ${recordColumns}, secret_encrypted AS ciphertext, key_id AS "keyId",
       version_created_at AS "versionCreatedAt", version_created_by AS "versionCreatedBy"
     FROM secrets.credentials WHERE project_id = $1 AND id = $2 AND deleted_at IS NULL ${lock ? 'FOR UPDATE' : ''}`,
    [projectId, id],
  )
  const row = rows[0]
  if (row === undefined) return undefined
  const { ciphertext, keyId, ...current } = row
  return { ...current, secret: { ciphertext, keyId } }
}

/** Throws `conflict` where the name is taken in the project. */
export async function updateCredentialRow(
  client: pg.PoolClient,
  next: CurrentCredential,
  by: string,
): Promise<CredentialRecord> {
  const { rows } = await client
    .query<CredentialRecord>(
      `UPDATE secrets.credentials SET name = $2, description = $3, extra = $4, is_active = $5, version = $6, limits = $7,
         expires_at = $8, rotate_every_days = $9, rotated_at = $10, certificate = $11, certificate_chain = $12,
         certificate_format = $13, certificate_expires_at = $14, secret_encrypted = $15, key_id = $16,
         version_created_at = $17, version_created_by = $18, updated_by = $19, updated_at = CURRENT_TIMESTAMP
       WHERE id = $1 RETURNING ${recordColumns}`,
      [
        next.id,
        next.name,
        next.description,
        JSON.stringify(next.extra),
        next.isActive,
        next.version,
        JSON.stringify(next.limits),
        next.expiresAt,
        next.rotateEveryDays,
        next.rotatedAt,
        next.certificate,
        next.certificateChain,
        next.certificateFormat,
        next.certificateExpiresAt,
        next.secret.ciphertext,
        next.secret.keyId,
        next.versionCreatedAt,
        next.versionCreatedBy,
        by,
      ],
    )
    .catch(throwRefusal)
  return rows[0] as CredentialRecord
}

/** Keeps what the credential is now, its secret sealed as `secret`, and forgets versions beyond the newest `versionsMax`. */
export async function insertVersion(
  client: pg.PoolClient,
  current: CurrentCredential,
  secret: Sealed,
  versionsMax: number,
): Promise<void> {
  await client.query(
    `INSERT INTO secrets.credential_versions
       (credential_id, version, secret_encrypted, key_id, extra, certificate, certificate_chain, certificate_format,
        certificate_expires_at, expires_at, rotated_at, created_by, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      current.id,
      current.version,
      secret.ciphertext,
      secret.keyId,
      JSON.stringify(current.extra),
      current.certificate,
      current.certificateChain,
      current.certificateFormat,
      current.certificateExpiresAt,
      current.expiresAt,
      current.rotatedAt,
      current.versionCreatedBy,
      current.versionCreatedAt,
    ],
  )
  // The next version counts too, and it is kept with the credential.
  await client.query('DELETE FROM secrets.credential_versions WHERE credential_id = $1 AND version <= $2', [
    current.id,
    current.version + 1 - versionsMax,
  ])
}

export interface FormerVersion extends CertificateColumns {
  secret: Sealed
  extra: Record<string, unknown>
  expiresAt: Date | null
  rotatedAt: Date
}

export async function selectFormerVersion(
  executor: Executor,
  credentialId: string,
  version: number,
): Promise<FormerVersion | undefined> {
  const { rows } = await executor.query<Omit<FormerVersion, 'secret'> & Sealed>(
    `SELECT secret_encrypted AS ciphertext, key_id AS "keyId", extra, certificate,
       certificate_chain AS "certificateChain", certificate_format AS "certificateFormat",
       certificate_expires_at AS "certificateExpiresAt", expires_at AS "expiresAt", rotated_at AS "rotatedAt"
     FROM secrets.credential_versions WHERE credential_id = $1 AND version = $2`,
    [credentialId, version],
  )
  const row = rows[0]
  if (row === undefined) return undefined
  const { ciphertext, keyId, ...former } = row
  return { ...former, secret: { ciphertext, keyId } }
}

export interface VersionRecord {
  version: number
  createdAt: Date
  createdBy: string | null
  current: boolean
}

/** Newest first; none where there is no such credential in the project. */
export async function selectVersions(pool: pg.Pool, projectId: string, id: string): Promise<VersionRecord[]> {
  const { rows } = await pool.query<VersionRecord>(
    `WITH found AS (
       SELECT * FROM secrets.credentials WHERE project_id = $1 AND id = $2 AND deleted_at IS NULL
     )
     SELECT version, version_created_at AS "createdAt", version_created_by AS "createdBy", true AS current FROM found
     UNION ALL
     SELECT v.version, v.created_at, v.created_by, false FROM found f
       JOIN secrets.credential_versions v ON v.credential_id = f.id
     ORDER BY version DESC`,
    [projectId, id],
  )
  return rows
}

export interface PurgedCredential {
  id: string
  projectId: string
  name: string
}

/** Takes out at most `limit` credentials that were deleted before `before`, with their former versions. */
export async function deleteLongDeleted(
  client: pg.PoolClient,
  before: Date,
  limit: number,
): Promise<PurgedCredential[]> {
  const { rows } = await client.query<PurgedCredential>(
    `DELETE FROM secrets.credentials WHERE id IN (
       SELECT id FROM secrets.credentials WHERE deleted_at < $1 ORDER BY deleted_at LIMIT $2 FOR UPDATE SKIP LOCKED
     ) RETURNING id, project_id AS "projectId", name`,
    [before, limit],
  )
  return rows
}
