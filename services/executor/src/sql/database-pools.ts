import { createHash } from 'node:crypto'
import type { OutboundPolicy } from '@opsconductor/contracts'
import knex, { type Knex } from 'knex'
import type { ClientConfig } from 'pg'
import { type Resolve, resolveTarget } from '../outbound-policy/resolve-target.ts'
import { type DatabaseTarget, parseDsn } from './parse-dsn.ts'

export interface DatabasePools {
  /** The pool of this credential as it is now, under this policy. */
  poolFor(credentialId: string, dsn: string, policy: OutboundPolicy): Knex
  /** A pool of its own, without a connection that logged in earlier; to be destroyed by who asked for it. */
  openFresh(dsn: string, policy: OutboundPolicy): Knex
  close(): Promise<void>
}

const poolsMax = 50
const idleMs = 30_000
const unusedMs = 300_000
const connectMs = 10_000

/** Pools by credential, secret and policy: a changed secret or policy never uses a connection made under the old one. */
export function createDatabasePools(resolve: Resolve, now: () => number = Date.now): DatabasePools {
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
    poolFor(credentialId, dsn, policy) {
      const key = createHash('sha256')
        .update(JSON.stringify([credentialId, dsn, policy]))
        .digest('base64')
      const known = pools.get(key)
      if (known === undefined) dropUnused()
      pools.delete(key)
      const pool = known?.pool ?? openPool(parseDsn(dsn), policy, resolve)
      pools.set(key, { pool, usedAt: now() })
      return pool
    },
    openFresh: (dsn, policy) => openPool(parseDsn(dsn), policy, resolve),
    async close() {
      await Promise.all([...pools.values()].map(({ pool }) => pool.destroy()))
      pools.clear()
    },
  }
}

const silent = () => {}

function openPool(target: DatabaseTarget, policy: OutboundPolicy, resolve: Resolve): Knex {
  return knex({
    client: 'pg',
    connection: async () => connectionConfig(target, policy, resolve) as Promise<Knex.PgConnectionConfig>,
    acquireConnectionTimeout: connectMs,
    pool: { min: 0, max: 8, idleTimeoutMillis: idleMs },
    // Knex would print errors of connections, which may quote what they were made with.
    log: { warn: silent, error: silent, deprecate: silent, debug: silent },
  })
}

/** Asked for at every new connection, so that the name is resolved and checked each time. */
async function connectionConfig(
  target: DatabaseTarget,
  policy: OutboundPolicy,
  resolve: Resolve,
): Promise<ClientConfig> {
  const [checked] = await resolveTarget(policy, target.host, target.port, resolve)
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
