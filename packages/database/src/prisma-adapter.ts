import { PrismaPg } from '@prisma/adapter-pg'
import type pg from 'pg'

/** Lets a service's Prisma client share the service's one pool. */
export function prismaAdapter(pool: pg.Pool, schema: string): PrismaPg {
  return new PrismaPg(pool, { schema, disposeExternalPool: false })
}
