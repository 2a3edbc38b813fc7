import { databaseUnavailable, transaction } from '@opsconductor/database'
import { AppError, toAppError } from '@opsconductor/errors'
import type pg from 'pg'
import type { Events } from '../events.ts'
import type { Access } from './access.ts'
import type { AccessLog } from './access-log.ts'

export interface AuditDeps {
  pool: pg.Pool
  accessLog: AccessLog
  events: Events
}

/**
 * Does `read` and resolves when its row in the access log is durable. A failure is logged too, before it is thrown.
 * Fails closed: throws `service_unavailable` where the row could not be written. What `read` learns of the credential
 * it puts into `access`.
 */
export function readWithAccess<T>(deps: AuditDeps, access: Access, read: () => Promise<T>): Promise<T> {
  return readAllWithAccess(deps, [access], read)
}

/**
 * The same for several credentials at once: each has its row, and all the rows are one commit. What did not work for one
 * of them alone `read` puts into that one's access.
 */
export function readAllWithAccess<T>(
  deps: AuditDeps,
  accesses: readonly Access[],
  read: () => Promise<T>,
): Promise<T> {
  return withAccess(deps, accesses, async () => {
    const result = await read()
    await loggedOrRefused(deps.accessLog.append(...accesses))
    return result
  })
}

/**
 * The same for a change, which is made in one transaction with its row: both are there, or none. What needs a connection
 * of its own, or takes its time, belongs into `prepare`, which runs before the transaction.
 */
export function changeWithAccess<T, Prepared = void>(
  deps: AuditDeps,
  access: Access,
  change: (client: pg.PoolClient, prepared: Prepared) => Promise<T>,
  prepare?: () => Promise<Prepared>,
): Promise<T> {
  return withAccess(deps, [access], async () => {
    const prepared = (await prepare?.()) as Prepared
    return transaction(deps.pool, async (client) => {
      const result = await change(client, prepared)
      await loggedOrRefused(deps.accessLog.appendIn(client, access))
      return result
    })
  })
}

/**
 * The same where only the change itself says what was accessed: `change` answers it, and all the rows are in its
 * transaction. What fails changed nothing and is not logged: nobody asked for it.
 */
export async function changeAllWithAccess<T>(
  deps: AuditDeps,
  change: (client: pg.PoolClient) => Promise<{ result: T; accesses: readonly Access[] }>,
): Promise<T> {
  const { result, accesses } = await transaction(deps.pool, async (client) => {
    const changed = await change(client)
    for (const access of changed.accesses) await deps.accessLog.appendIn(client, access)
    return changed
  })
  for (const access of accesses) deps.events.accessed(access)
  return result
}

async function withAccess<T>(
  { accessLog, events }: AuditDeps,
  accesses: readonly Access[],
  work: () => Promise<T>,
): Promise<T> {
  const result = await work().catch(async (error: unknown) => {
    for (const access of accesses) {
      access.error ??= reasonOf(error)
      events.accessed(access)
    }
    // Without a database there is no log to write to, and nothing was read or changed.
    if (databaseUnavailable(error) === undefined && !notLogged.has(error as Error))
      await loggedOrRefused(accessLog.append(...accesses))
    throw error
  })
  for (const access of accesses) events.accessed(access)
  return result
}

/** A validation names fields, and the name of a field may be a secret that was put in the wrong place. */
function reasonOf(error: unknown): string {
  const { code, message } = databaseUnavailable(error) ?? toAppError(error)
  return code === 'validation_failed' ? code : message
}

/** Refusals because a row could not be written; a second try would only take as long again. */
const notLogged = new WeakSet<Error>()

async function loggedOrRefused(logged: Promise<void>): Promise<void> {
  await logged.catch((cause: unknown) => {
    const refusal = new AppError(
      'service_unavailable',
      'The access could not be logged, so it was refused.',
      {
        cause,
        retryAfterSeconds: 2,
      },
    )
    notLogged.add(refusal)
    throw refusal
  })
}
