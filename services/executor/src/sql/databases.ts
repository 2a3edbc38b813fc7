import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { AppError } from '@opsconductor/errors'
import {
  type ClientCertificate,
  caOf,
  clientCertificateOf,
  type ProjectTrust,
  type Reach,
} from '@opsconductor/reach'
import type { SecretValue } from '@opsconductor/redact'
import type { ConnectionPool } from './connection-pool.ts'
import type { ConnectionWay, DatabaseConnection, Dialect } from './dialect.ts'
import { dialects } from './dialects/index.ts'
import { loginSocket } from './login-socket.ts'
import { type DatabaseTarget, parseDsn } from './parse-dsn.ts'
import { sqlError } from './sql-error.ts'

/** Whose database it is and how it is reached. */
export interface DatabaseAccess {
  projectId: string
  credential: { id: string; secret: Readonly<Record<string, SecretValue>> }
  /** What is shown to a server that asks who connects. */
  clientCertificate: ClientCertificate | undefined
  reach: Reach
  trust: Pick<ProjectTrust, 'authorities'>
  timeoutMs: number
  signal: AbortSignal
}

/** A connection for as long as a piece of work lasts. */
export interface DatabaseSession {
  dialect: Dialect
  connection: DatabaseConnection
  timeoutMs: number
}

type Work<T> = (session: DatabaseSession) => Promise<T>

export interface Databases {
  /**
   * Works on a pooled connection, which goes back clean. When `signal` fires it throws the signal's reason at once, while
   * the statement is stopped on the server. Throws what a step may: errors whose texts hold no secret and no address.
   */
  use<T>(access: DatabaseAccess, work: Work<T>): Promise<T>
  /** The same on a connection of its own, which proves that the login works now. */
  useFresh<T>(access: DatabaseAccess, work: Work<T>): Promise<T>
  close(): Promise<void>
}

const poolsMax = 50
const unusedMs = 300_000

/** Pools by credential, secret and way: a changed secret, policy or trust never uses a connection made under the old one. */
export function createDatabases(
  options: { sqliteDirectory?: string | undefined; now?: () => number } = {},
): Databases {
  const { sqliteDirectory, now = Date.now } = options
  const pools = new Map<string, { pool: ConnectionPool; usedAt: number }>()

  function drop(key: string): void {
    pools
      .get(key)
      ?.pool.close()
      .catch(() => {})
    pools.delete(key)
  }

  function dropUnused(): void {
    for (const [key, { usedAt }] of pools) if (now() - usedAt > unusedMs) drop(key)
    // The map is kept in the order of use.
    if (pools.size >= poolsMax) drop(pools.keys().next().value as string)
  }

  async function poolFor(key: string, open: () => Promise<DatabaseConnection>): Promise<ConnectionPool> {
    const { openPool } = await import('./connection-pool.ts')
    const known = pools.get(key)
    if (known === undefined) dropUnused()
    pools.delete(key)
    const pool = known?.pool ?? openPool(open)
    pools.set(key, { pool, usedAt: now() })
    return pool
  }

  async function prepare(access: DatabaseAccess) {
    const dsn = access.credential.secret.dsn?.reveal()
    if (dsn === undefined) throw new AppError('step_failed', 'The step needs a credential with a DSN.')
    const target = parseDsn(dsn)
    if (target.dialect === 'sqlite' && access.reach.hasBastions)
      throw new AppError(
        'step_failed',
        'SQLite files are on this machine and not behind bastions: leave via out.',
      )
    access.reach.assertCredentialMayGoTo(target.host)
    const tls = await tlsOf(target, access)
    const directory = sqliteDirectory && join(sqliteDirectory, access.projectId)
    const dialect = await dialects[target.dialect]()
    const way: ConnectionWay = {
      connect: () => loginSocket(access.reach, target),
      tls,
      sqliteDirectory: directory,
    }
    const key = JSON.stringify([access.credential.id, dsn, access.reach.key, access.projectId, tls])
    return {
      dialect,
      key: createHash('sha256').update(key).digest('base64'),
      open: () => dialect.open(target, way),
    }
  }

  return {
    async use(access, work) {
      const { dialect, key, open } = await prepare(access)
      const pool = await poolFor(key, open)
      return workOn(access, dialect, work, {
        take: () => pool.acquire(),
        giveBack: async (connection, isClean) => {
          // A server that hangs here, or a driver that never says that its connection is gone, keeps no place in the pool.
          const isReset = isClean && (await Promise.race([succeeds(connection.reset()), pause(resetMsMax)]))
          if (!isReset) connection.destroy()
          pool.release(connection)
        },
      })
    },
    async useFresh(access, work) {
      const { dialect, open } = await prepare(access)
      return workOn(access, dialect, work, {
        take: open,
        giveBack: async (connection) => connection.destroy(),
      })
    },
    async close() {
      await Promise.all([...pools.values()].map(({ pool }) => pool.close()))
      pools.clear()
    },
  }
}

async function tlsOf(
  target: DatabaseTarget,
  { reach, trust, clientCertificate }: DatabaseAccess,
): Promise<ConnectionWay['tls']> {
  const minVersion = reach.tlsVersionMin(target.host)
  const ca = caOf(await trust.authorities({ tls: target.tls }))
  if (target.tls === undefined) return { minVersion }
  const shown = clientCertificate && clientCertificateOf(clientCertificate)
  return {
    minVersion,
    ...(ca === undefined ? {} : { ca }),
    ...(shown === undefined ? {} : { key: shown.privateKey, cert: shown.chain }),
  }
}

interface Lending {
  take(): Promise<DatabaseConnection>
  giveBack(connection: DatabaseConnection, isClean: boolean): Promise<void>
}

async function workOn<T>(
  { signal, timeoutMs }: DatabaseAccess,
  dialect: Dialect,
  work: Work<T>,
  { take, giveBack }: Lending,
): Promise<T> {
  signal.throwIfAborted()
  const { aborted, stopListening } = listenFor(signal)
  try {
    const connection = await takeUnlessAborted(take(), aborted, giveBack)
    const working = work({ dialect, connection, timeoutMs })
    try {
      return await Promise.race([working, aborted])
    } finally {
      if (signal.aborted) void stopWork(connection, working, giveBack)
      else await Promise.race([giveBack(connection, true), aborted])
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : sqlError(error, dialect.faultOf)
  } finally {
    stopListening()
  }
}

/** A connection that comes when nobody waits any more is given back. */
async function takeUnlessAborted(
  taking: Promise<DatabaseConnection>,
  aborted: Promise<never>,
  giveBack: Lending['giveBack'],
): Promise<DatabaseConnection> {
  try {
    return await Promise.race([taking, aborted])
  } catch (error) {
    taking.then((connection) => giveBack(connection, true)).catch(() => {})
    throw error
  }
}

/** Rejects with the signal's reason when it fires. */
function listenFor(signal: AbortSignal): { aborted: Promise<never>; stopListening(): void } {
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  aborted.catch(() => {})
  return { aborted, stopListening: () => signal.removeEventListener('abort', stop) }
}

const resetMsMax = 2_000
const cancelAgainMs = 250
const cancelMsMax = 2_000

/** Asks the server until the work has ended: one request may come before the statement has begun. */
async function stopWork(
  connection: DatabaseConnection,
  working: Promise<unknown>,
  giveBack: Lending['giveBack'],
): Promise<void> {
  let ended = false
  const end = working.then(
    () => {
      ended = true
    },
    () => {
      ended = true
    },
  )
  const giveUpAt = Date.now() + cancelMsMax
  while (!ended && connection.isUsable() && Date.now() < giveUpAt) {
    await Promise.race([connection.cancel().catch(() => {}), end, pause(cancelMsMax)])
    await Promise.race([end, pause(cancelAgainMs)])
  }
  await giveBack(connection, false)
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })

const succeeds = (work: Promise<void>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  )
