import type { Role } from '@opsconductor/contracts'
import { isForeignKeyViolation, refuseTaken } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import { pageArguments } from '@opsconductor/service-kit'
import type pg from 'pg'
import { announceKey } from '../announce.ts'
import type { PrismaClient, ApiKey as Row } from '../generated/client.ts'
import { unknownInterface } from './unknown-interface.ts'

export interface ApiKey {
  id: string
  userId: string
  projectId: string | null
  publicInterfaceId: string | null
  name: string
  keyPrefix: string
  scopes: string[]
  isActive: boolean
  lastUsedAt: Date | null
  expiresAt: Date | null
  createdAt: Date
  updatedAt: Date
}

export interface NewApiKey {
  userId: string
  projectId: string
  publicInterfaceId: string | null
  name: string
  keyHash: string
  keyPrefix: string
  scopes: string[]
  expiresAt: Date | null
}

/** A key as verification needs it: with what its maker may do now. `makerRole` is null for no member. */
export interface KeyWithMaker {
  id: string
  userId: string
  projectId: string | null
  publicInterfaceId: string | null
  scopes: string[]
  isActive: boolean
  expiresAt: Date | null
  makerIsActive: boolean
  makerRole: Role | null
}

/** Never the hash: it stays in this file and in the database. */
const toApiKey = ({ keyHash: _, isActive, ...row }: Row): ApiKey => ({ ...row, isActive: isActive === true })

export type KeyStore = ReturnType<typeof createKeyStore>

export function createKeyStore(prisma: PrismaClient, pool: pg.Pool) {
  return {
    /**
     * Throws `conflict` where the user has a key of this name, `validation_failed` where the interface has gone, and
     * `not_found` where the user is no member (any more).
     */
    async create(key: NewApiKey): Promise<ApiKey> {
      try {
        return await prisma.$transaction(async (tx) => {
          // The end of a membership ends its keys; one made in that moment must not be missed.
          const locked = await tx.$queryRaw<unknown[]>`
            SELECT 1 FROM api_key.project_members
             WHERE project_id = ${key.projectId}::uuid AND user_id = ${key.userId}::uuid FOR KEY SHARE`
          if (locked.length === 0) throw new AppError('not_found', 'There is no such project.')
          return toApiKey(await tx.apiKey.create({ data: key }))
        })
      } catch (error) {
        if (isForeignKeyViolation(error)) throw unknownInterface()
        return refuseTaken('You have a key with this name already.')(error)
      }
    },
    async find(projectId: string, id: string): Promise<ApiKey | undefined> {
      const row = await prisma.apiKey.findFirst({ where: { id, projectId } })
      return row === null ? undefined : toApiKey(row)
    },
    async list(projectId: string, page: { limit: number; cursor?: string | undefined }): Promise<ApiKey[]> {
      const rows = await prisma.apiKey.findMany({ ...pageArguments(page), where: { projectId } })
      return rows.map(toApiKey)
    },
    revoke: (id: string): Promise<void> =>
      prisma.$transaction(async (tx) => {
        await tx.apiKey.updateMany({ where: { id, isActive: true }, data: { isActive: false } })
        await announceKey(tx, id)
      }),
    /** The old key stops working as this commits; undefined where the key was revoked meanwhile. */
    replaceSecret: (id: string, secret: { keyHash: string; keyPrefix: string }) =>
      prisma.$transaction(async (tx): Promise<ApiKey | undefined> => {
        const [row] = await tx.apiKey.updateManyAndReturn({ where: { id, isActive: true }, data: secret })
        if (row === undefined) return undefined
        await announceKey(tx, id)
        return toApiKey(row)
      }),
    findByHash: (keyHash: string) => findByHash(pool, keyHash),
    recordUse: (items: readonly { keyId: string; usedAt: number }[]) => recordUse(pool, items),
  }
}

async function findByHash(pool: pg.Pool, keyHash: string): Promise<KeyWithMaker | undefined> {
  const { rows } = await pool.query<KeyWithMaker>({
    name: 'key_by_hash',
    text: `SELECT k.id, k.user_id AS "userId", k.project_id AS "projectId",
                  k.public_interface_id AS "publicInterfaceId", k.scopes, k.is_active IS TRUE AS "isActive",
                  k.expires_at AS "expiresAt", u.is_active AS "makerIsActive", m.role AS "makerRole"
             FROM api_key.api_keys k
             JOIN api_key.users u ON u.id = k.user_id
             LEFT JOIN api_key.project_members m ON m.user_id = k.user_id AND m.project_id = k.project_id
            WHERE k.key_hash = $1`,
    values: [keyHash],
  })
  return rows[0]
}

/**
 * One statement for the whole batch. The rows are locked in the order of their ids, so that batches of several services
 * at once cannot deadlock; `last_used_at` never moves backwards, since the lock waits and then looks again.
 */
async function recordUse(
  pool: pg.Pool,
  items: readonly { keyId: string; usedAt: number }[],
): Promise<number> {
  if (items.length === 0) return 0
  const { rowCount } = await pool.query({
    name: 'record_key_use',
    text: `WITH used AS (
             SELECT id, max(at) AS at FROM unnest($1::uuid[], $2::timestamptz[]) AS t (id, at) GROUP BY id
           ), locked AS (
             SELECT k.id, used.at FROM api_key.api_keys k JOIN used ON used.id = k.id
              WHERE k.last_used_at IS NULL OR k.last_used_at < used.at
              ORDER BY k.id FOR NO KEY UPDATE OF k
           )
           UPDATE api_key.api_keys k SET last_used_at = locked.at FROM locked WHERE k.id = locked.id`,
    values: [items.map(({ keyId }) => keyId), items.map(({ usedAt }) => new Date(usedAt).toISOString())],
  })
  return rowCount ?? 0
}
