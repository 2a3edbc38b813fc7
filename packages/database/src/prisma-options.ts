import { PrismaPg } from '@prisma/adapter-pg'
import type pg from 'pg'

/**
 * Lets a service's Prisma client share the service's one pool, and wait as long as the pool does: by itself it gives up a
 * transaction that has no connection after two seconds, or is not done after five.
 */
export const prismaOptions = (pool: pg.Pool, schema: string) => ({
  adapter: new PrismaPg(pool, { schema, disposeExternalPool: false }),
  transactionOptions: { maxWait: pool.options.connectionTimeoutMillis, timeout: 20_000 },
})
