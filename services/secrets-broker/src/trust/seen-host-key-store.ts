import { isForeignKeyViolation } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import { pageArguments } from '@opsconductor/service-kit'
import type pg from 'pg'
import type { PrismaClient } from '../generated/client.ts'

export interface SeenHostKeyRecord {
  id: string
  projectId: string
  host: string
  port: number
  keyType: string
  publicKey: string
  fingerprint: string
  changed: boolean
  timesSeen: number
  createdAt: Date
  lastSeenAt: Date
}

/** Whoever can answer for hosts can show any number of keys; those seen last are kept. */
const keptMax = 200

/** Keeps a key that was seen; false where the project has it already, trusted or revoked. */
export async function insertSeenHostKey(
  client: pg.PoolClient,
  key: Omit<SeenHostKeyRecord, 'changed' | 'timesSeen' | 'createdAt' | 'lastSeenAt'>,
): Promise<boolean> {
  const { id, projectId, host, port, keyType, publicKey, fingerprint } = key
  const { rowCount } = await client
    .query(
      `INSERT INTO secrets.seen_host_keys (id, project_id, host, port, key_type, public_key, fingerprint, changed)
       SELECT $1::uuid, $2::uuid, $3::text, $4::int, $5::text, $6::text, $7::text, EXISTS (SELECT FROM secrets.trusted_host_keys
         WHERE project_id = $2 AND host = $3 AND port = $4 AND NOT revoked AND NOT is_authority)
       WHERE NOT EXISTS (SELECT FROM secrets.trusted_host_keys
         WHERE project_id = $2 AND host = $3 AND port = $4 AND fingerprint = $7)
       ON CONFLICT (project_id, host, port, fingerprint) DO UPDATE SET changed = EXCLUDED.changed,
         times_seen = least(seen_host_keys.times_seen, 2147483646) + 1, last_seen_at = CURRENT_TIMESTAMP`,
      [id, projectId, host, port, keyType, publicKey, fingerprint],
    )
    .catch((error: unknown) => {
      if (isForeignKeyViolation(error))
        throw new AppError('not_found', 'There is no such project (any more).')
      throw error
    })
  await client.query(
    `DELETE FROM secrets.seen_host_keys WHERE id IN (SELECT id FROM secrets.seen_host_keys
       WHERE project_id = $1 ORDER BY last_seen_at DESC, id OFFSET $2)`,
    [projectId, keptMax],
  )
  return rowCount === 1
}

/** The key that was seen, which is no longer kept; undefined where there is none. */
export async function takeSeenHostKey(
  client: pg.PoolClient,
  { projectId, id }: { projectId: string; id: string },
): Promise<SeenHostKeyRecord | undefined> {
  const { rows } = await client.query<SeenHostKeyRecord>(
    `DELETE FROM secrets.seen_host_keys WHERE project_id = $1 AND id = $2
     RETURNING id, project_id AS "projectId", host, port, key_type AS "keyType", public_key AS "publicKey",
       fingerprint, changed, times_seen AS "timesSeen", created_at AS "createdAt", last_seen_at AS "lastSeenAt"`,
    [projectId, id],
  )
  return rows[0]
}

/** Newest first, one more than asked for. */
export const selectSeenHostKeys = (
  prisma: PrismaClient,
  projectId: string,
  { host, ...page }: { limit: number; cursor?: string | undefined; host?: string | undefined },
): Promise<SeenHostKeyRecord[]> =>
  prisma.seenHostKey.findMany({
    where: { projectId, ...(host === undefined ? {} : { host }) },
    ...pageArguments(page),
  })
