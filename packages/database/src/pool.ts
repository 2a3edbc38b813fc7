import { AppError } from '@opsconductor/errors'
import pg from 'pg'

export interface PoolOptions {
  connectionString: string
  /** Shown in pg_stat_activity. */
  applicationName: string
  connectionsMax?: number
  /** Called when an idle connection breaks, as when PostgreSQL restarts; the pool replaces it by itself. */
  onIdleError(error: Error): void
}

export function createPool(options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    application_name: options.applicationName,
    max: options.connectionsMax ?? 10,
    connectionTimeoutMillis: 5_000,
    // A server that hangs without closing its connections must not hang every request with it.
    statement_timeout: 20_000,
    query_timeout: 25_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
  })
  pool.on('error', options.onIdleError)
  // A connection that breaks while it is on its way to whoever waits for it would end the process if nobody listened.
  // The pool sees by itself that it can't be used again.
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

/** SQLSTATE classes and codes that mean "not now": connection lost, server shutting down or starting, out of resources. */
const unavailableStates = /^(08...|53...|57P0[1-5])$/
const unavailableCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'P1001',
  'P1002',
  'P1008',
  'P1017',
  'P2024',
  // A transaction that got no connection, or was not done, within Prisma's time.
  'P2028',
])
const unavailableTexts =
  /Connection terminated|is not queryable|Query read timeout|timeout exceeded when trying to connect|Server has closed the connection|Can't reach database server/

interface Failure {
  code?: string
  /** What PostgreSQL said to Prisma's driver adapter. */
  originalCode?: string
  meta?: { code?: string; driverAdapterError?: Failure }
  message?: string
  cause?: Failure
}

/** `service_unavailable` where the error says that PostgreSQL could not be reached; undefined for any other error. */
export function databaseUnavailable(error: unknown): AppError | undefined {
  // Somebody has judged it already, and what caused it need not be the database: another service, a vault.
  if (error instanceof AppError) return undefined
  // By shape, not by class: an error of another realm (Node's own, seen from a Jest test) is no `instanceof Error`.
  let cause = error as Failure | null | undefined
  for (
    let depth = 0;
    typeof cause === 'object' && cause !== null && depth < 5;
    cause = cause.meta?.driverAdapterError ?? cause.cause, depth++
  ) {
    const { code, originalCode, meta, message = '' } = cause
    const known = [code, originalCode, meta?.code].some(
      (c) => c !== undefined && (unavailableCodes.has(c) || unavailableStates.test(c)),
    )
    if (known || unavailableTexts.test(message))
      return new AppError('service_unavailable', 'The database is not available.', {
        cause: error,
        retryAfterSeconds: 2,
      })
  }
  return undefined
}

/** True where the error is PostgreSQL's or Prisma's unique violation, of `constraint` where one is named. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  const { code, constraint: broken } = (error ?? {}) as { code?: string; constraint?: string }
  if (code !== '23505' && code !== 'P2002') return false
  return (
    constraint === undefined ||
    broken === constraint ||
    JSON.stringify((error as { meta?: unknown }).meta ?? '').includes(constraint)
  )
}

/** True where the error says, in PostgreSQL's or Prisma's words, that a row referred to is not there. */
export function isForeignKeyViolation(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: string }
  return code === '23503' || code === 'P2003'
}
