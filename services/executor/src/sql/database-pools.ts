import { createHash } from 'node:crypto'
import knex, { type Knex } from 'knex'
import type { ClientConfig } from 'pg'
import type { Reach } from '../reach/reach.ts'
import { type DatabaseTarget, parseDsn } from './parse-dsn.ts'

export interface DatabasePools {
  /** The pool of this credential as it is now, reached in this way. */
  poolFor(credentialId: string, dsn: string, reach: Reach): Knex
  /** A pool of its own, without a connection that logged in earlier; to be destroyed by who asked for it. */
  openFresh(dsn: string, reach: Reach): Knex
  close(): Promise<void>
}

const poolsMax = 50
const idleMs = 30_000
const unusedMs = 300_000
const connectMs = 10_000

/** Pools by credential, secret and way: a changed secret or policy never uses a connection made under the old one. */
export function createDatabasePools(now: () => number = Date.now): DatabasePools {
  const pools = new Map<string, { pool: Knex; usedAt: number }>()

  function drop(key: string): void {
    void pools.get(key)?.pool.destroy()
    pools.delete(key)
  }

  function dropUnused(): void {
    for (const [key, { usedAt }] of pools) if (now() - usedAt > unusedMs) drop(key)
    // The map is kept in the order of use.
    if (pools.size >= poolsMax) drop(pools.keys().next().value as string)
  }

  return {
    poolFor(credentialId, dsn, reach) {
      const key = createHash('sha256')
        .update(JSON.stringify([credentialId, dsn, reach.key]))
        .digest('base64')
      const known = pools.get(key)
      if (known === undefined) dropUnused()
      pools.delete(key)
      const pool = known?.pool ?? openPool(parseDsn(dsn), reach)
      pools.set(key, { pool, usedAt: now() })
      return pool
    },
    openFresh: (dsn, reach) => openPool(parseDsn(dsn), reach),
    async close() {
      await Promise.all([...pools.values()].map(({ pool }) => pool.destroy()))
      pools.clear()
    },
  }
}

const silent = () => {}

function openPool(target: DatabaseTarget, reach: Reach): Knex {
  return knex({
    client: 'pg',
    connection: async () => connectionConfig(target, reach) as Promise<Knex.PgConnectionConfig>,
    acquireConnectionTimeout: connectMs,
    pool: { min: 0, max: 8, idleTimeoutMillis: idleMs },
    // Knex would print errors of connections, which may quote what they were made with.
    log: { warn: silent, error: silent, deprecate: silent, debug: silent },
  })
}

/** Asked for at every new connection, so that the name is resolved and checked each time. */
async function connectionConfig(target: DatabaseTarget, reach: Reach): Promise<ClientConfig> {
  const [checked] = await reach.resolve(target.host, target.port)
  return {
    host: checked?.address as string,
    port: target.port,
    database: target.database,
    user: target.user,
    // A function, because an empty password would be looked for in PGPASSWORD and ~/.pgpass.
    password: () => target.password,
    ssl:
      target.tls === undefined
        ? false
        : { servername: target.host, rejectUnauthorized: target.tls.verify, minVersion: 'TLSv1.3' },
    connectionTimeoutMillis: connectMs,
    application_name: 'opsconductor-step',
    options: '',
    keepAlive: true,
  }
}
