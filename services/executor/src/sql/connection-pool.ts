import knex from 'knex'
import type { DatabaseConnection } from './dialect.ts'

export interface ConnectionPool {
  acquire(): Promise<DatabaseConnection>
  release(connection: DatabaseConnection): void
  /** Ends when every connection was given back. */
  close(): Promise<void>
}

const connectionsMax = 8
const idleMs = 30_000
const waitMsMax = 24 * 3_600_000

/**
 * Knex's client with our connections in its pool: what runs on them are the statements of jobs as they were written, so that
 * of knex only the pool is of use, and its own connections would resolve names without asking the outbound policy.
 */
function clientFor(open: () => Promise<DatabaseConnection>): typeof knex.Client {
  const unused = new WeakSet<DatabaseConnection>()
  class PoolClient extends knex.Client {
    override async acquireRawConnection(): Promise<DatabaseConnection> {
      const connection = await open()
      unused.add(connection)
      return connection
    }

    override async destroyRawConnection(connection: DatabaseConnection): Promise<void> {
      connection.destroy()
    }

    override async validateConnection(connection: DatabaseConnection): Promise<boolean> {
      // A new one that is closed already fails its step; the pool would make another one, again and again.
      return unused.delete(connection) || connection.isUsable()
    }

    _driver(): object {
      return {}
    }
  }
  Object.assign(PoolClient.prototype, { driverName: 'opsconductor', dialect: 'opsconductor' })
  return PoolClient
}

const silent = () => {}

export function openPool(open: () => Promise<DatabaseConnection>): ConnectionPool {
  const { client } = knex({
    client: clientFor(open),
    connection: {},
    // Who waits for a busy pool waits as long as its step may.
    acquireConnectionTimeout: waitMsMax,
    pool: { min: 0, max: connectionsMax, idleTimeoutMillis: idleMs },
    // Knex would print errors of connections, which may quote what they were made with.
    log: { warn: silent, error: silent, deprecate: silent, debug: silent },
  })
  return {
    acquire: () => client.acquireConnection(),
    release: (connection) => void client.releaseConnection(connection),
    close: () => client.destroy(),
  }
}
