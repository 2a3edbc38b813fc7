import { isForeignKeyViolation, isUniqueViolation } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import { pageArguments } from '@opsconductor/service-kit'
import type pg from 'pg'
import type { PrismaClient } from '../generated/client.ts'

export interface HostKeyRecord {
  id: string
  projectId: string
  host: string
  port: number
  keyType: string
  publicKey: string
  fingerprint: string
  comment: string | null
  revoked: boolean
  isAuthority: boolean
  createdBy: string | null
  createdAt: Date
  updatedAt: Date
}

export interface CaBundleRecord {
  id: string
  projectId: string
  name: string
  certificates: string
  certificateCount: number
  expiresAt: Date
  createdBy: string | null
  createdAt: Date
  updatedAt: Date
}
export type ListedCaBundleRecord = Omit<CaBundleRecord, 'certificates'>

type New<Row> = Omit<Row, 'createdBy' | 'createdAt' | 'updatedAt'> & { by: string }
interface Page {
  limit: number
  cursor?: string | undefined
}
interface Which {
  projectId: string
  id: string
}

const hostKeyColumns = `id, project_id AS "projectId", host, port, key_type AS "keyType", public_key AS "publicKey",
  fingerprint, comment, revoked, is_authority AS "isAuthority", created_by AS "createdBy", created_at AS "createdAt", updated_at AS "updatedAt"`
const caBundleColumns = `id, project_id AS "projectId", name, certificates, certificate_count AS "certificateCount",
  expires_at AS "expiresAt", created_by AS "createdBy", created_at AS "createdAt", updated_at AS "updatedAt"`

/** Throws `conflict` where the host has the key already, `not_found` where the project has gone. */
export async function insertHostKey(client: pg.PoolClient, key: New<HostKeyRecord>): Promise<HostKeyRecord> {
  const { id, projectId, host, port, keyType, publicKey, fingerprint, comment, revoked, isAuthority, by } =
    key
  const { rows } = await client
    .query<HostKeyRecord>(
      `INSERT INTO secrets.trusted_host_keys
         (id, project_id, host, port, key_type, public_key, fingerprint, comment, revoked, is_authority, created_by,
          updated_by)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11) RETURNING ${hostKeyColumns}`,
      [id, projectId, host, port, keyType, publicKey, fingerprint, comment, revoked, isAuthority, by],
    )
    .catch(throwRefusal)
  return rows[0] as HostKeyRecord
}

/** What is undefined stays. Undefined where there is no such key. */
export async function updateHostKeyRow(
  client: pg.PoolClient,
  { projectId, id }: Which,
  { comment, revoked, by }: { comment: string | null | undefined; revoked: boolean | undefined; by: string },
): Promise<HostKeyRecord | undefined> {
  const { rows } = await client.query<HostKeyRecord>(
    `UPDATE secrets.trusted_host_keys SET comment = CASE WHEN $3 THEN $4 ELSE comment END,
       revoked = coalesce($5, revoked), updated_by = $6, updated_at = CURRENT_TIMESTAMP
     WHERE project_id = $1 AND id = $2 RETURNING ${hostKeyColumns}`,
    [projectId, id, comment !== undefined, comment, revoked, by],
  )
  return rows[0]
}

/** Throws `conflict` where the name is taken, `not_found` where the project has gone. */
export async function insertCaBundle(
  client: pg.PoolClient,
  bundle: New<CaBundleRecord>,
): Promise<CaBundleRecord> {
  const { id, projectId, name, certificates, certificateCount, expiresAt, by } = bundle
  const { rows } = await client
    .query<CaBundleRecord>(
      `INSERT INTO secrets.ca_bundles
         (id, project_id, name, certificates, certificate_count, expires_at, created_by, updated_by)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $7) RETURNING ${caBundleColumns}`,
      [id, projectId, name, certificates, certificateCount, expiresAt, by],
    )
    .catch(throwRefusal)
  return rows[0] as CaBundleRecord
}

/** What is left out stays. Undefined where there is no such bundle; throws `conflict` where the name is taken. */
export async function updateCaBundleRow(
  client: pg.PoolClient,
  { projectId, id }: Which,
  bundle: Partial<Pick<CaBundleRecord, 'name' | 'certificates' | 'certificateCount' | 'expiresAt'>> & {
    by: string
  },
): Promise<CaBundleRecord | undefined> {
  const { name, certificates, certificateCount, expiresAt, by } = bundle
  const { rows } = await client
    .query<CaBundleRecord>(
      `UPDATE secrets.ca_bundles SET name = coalesce($3, name), certificates = coalesce($4, certificates),
         certificate_count = coalesce($5, certificate_count), expires_at = coalesce($6, expires_at),
         updated_by = $7, updated_at = CURRENT_TIMESTAMP
       WHERE project_id = $1 AND id = $2 RETURNING ${caBundleColumns}`,
      [projectId, id, name, certificates, certificateCount, expiresAt, by],
    )
    .catch(throwRefusal)
  return rows[0]
}

function throwRefusal(error: unknown): never {
  if (isUniqueViolation(error, 'ca_bundles_project_id_name_key'))
    throw new AppError('conflict', 'The project has a CA bundle of this name; give another name.', {
      errors: [{ path: 'body.name', message: 'is taken in this project' }],
    })
  if (isUniqueViolation(error, 'trusted_host_keys_project_id_host_port_fingerprint_key'))
    throw new AppError('conflict', 'The project has this key of this host already.', {
      errors: [{ path: 'body.key', message: 'is there already for this host and port' }],
    })
  if (isForeignKeyViolation(error)) throw new AppError('not_found', 'There is no such project (any more).')
  throw error
}

/** What the deleted one is called; undefined where there was nothing to delete. */
export async function deleteHostKeyRow(client: pg.PoolClient, which: Which): Promise<string | undefined> {
  const { rows } = await client.query<{ host: string }>(
    'DELETE FROM secrets.trusted_host_keys WHERE project_id = $1 AND id = $2 RETURNING host',
    [which.projectId, which.id],
  )
  return rows[0]?.host
}

export async function deleteCaBundleRow(client: pg.PoolClient, which: Which): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>(
    'DELETE FROM secrets.ca_bundles WHERE project_id = $1 AND id = $2 RETURNING name',
    [which.projectId, which.id],
  )
  return rows[0]?.name
}

export const selectHostKey = (prisma: PrismaClient, which: Which): Promise<HostKeyRecord | null> =>
  prisma.trustedHostKey.findFirst({ where: which })

export const selectCaBundle = (prisma: PrismaClient, which: Which): Promise<CaBundleRecord | null> =>
  prisma.caBundle.findFirst({ where: which })

/** Newest first, one more than asked for. */
export const selectHostKeys = (
  prisma: PrismaClient,
  projectId: string,
  { host, ...page }: Page & { host?: string | undefined },
): Promise<HostKeyRecord[]> =>
  prisma.trustedHostKey.findMany({
    where: { projectId, ...(host === undefined ? {} : { host }) },
    ...pageArguments(page),
  })

/** Newest first, one more than asked for. */
export const selectCaBundles = (
  prisma: PrismaClient,
  projectId: string,
  page: Page,
): Promise<ListedCaBundleRecord[]> =>
  prisma.caBundle.findMany({
    where: { projectId },
    omit: { certificates: true },
    ...pageArguments(page),
  })

/** Which of these names the project's CA bundles have. */
export async function selectCaBundleNames(
  executor: pg.Pool | pg.PoolClient,
  projectId: string,
  names: readonly string[],
): Promise<string[]> {
  const { rows } = await executor.query<{ name: string }>(
    'SELECT name FROM secrets.ca_bundles WHERE project_id = $1 AND name = ANY($2)',
    [projectId, names],
  )
  return rows.map(({ name }) => name)
}

/** Throws `conflict` where the project has as many as it may. */
export async function assertRoomFor(
  client: pg.PoolClient,
  table: 'trusted_host_keys' | 'ca_bundles',
  projectId: string,
  most: number,
): Promise<void> {
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM secrets.${table} WHERE project_id = $1`,
    [projectId],
  )
  if ((rows[0]?.count ?? 0) >= most)
    throw new AppError('conflict', `The project has ${most} of these, which is the most it may have.`)
}

/** For the steps of a project, the oldest first. */
export async function selectTrust(
  pool: pg.Pool,
  { projectId, host, port }: { projectId: string; host: string | undefined; port: number },
): Promise<{ hostKeys: HostKeyRecord[]; caBundles: CaBundleRecord[] }> {
  const bundles = await pool.query<CaBundleRecord>(
    `SELECT ${caBundleColumns} FROM secrets.ca_bundles WHERE project_id = $1 ORDER BY created_at, id`,
    [projectId],
  )
  if (host === undefined) return { hostKeys: [], caBundles: bundles.rows }
  const keys = await pool.query<HostKeyRecord>(
    `SELECT ${hostKeyColumns} FROM secrets.trusted_host_keys
     WHERE project_id = $1 AND port = $3 AND (host = $2 OR is_authority AND starts_with(host, '*.')
       AND length($2) >= length(host) AND right($2, length(host) - 1) = substr(host, 2))
     ORDER BY created_at, id`,
    [projectId, host, port],
  )
  return { hostKeys: keys.rows, caBundles: bundles.rows }
}
