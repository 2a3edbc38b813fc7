import { databaseUnavailable, transaction } from '@opsconductor/database'
import { AppError, toAppError } from '@opsconductor/errors'
import type pg from 'pg'
import type { Events } from '../events.ts'
import type { Access } from './access.ts'
import { insertAccess } from './store.ts'

interface AuditDeps {
  pool: pg.Pool
  events: Events
}

/**
 * Does `read` and resolves when its row in the access log is durable. A failure is logged too, before it is thrown.
 * Fails closed: throws `service_unavailable` where the row could not be written. What `read` learns of the credential
 * it puts into `access`.
 */
export function readWithAccess<T>(deps: AuditDeps, access: Access, read: () => Promise<T>): Promise<T> {
  return withAccess(deps, access, async () => {
    const result = await read()
    await insertOrRefuse(deps.pool, access)
    return result
  })
}

/** The same for a change, which is made in one transaction with its row: both are there, or none. */
export function changeWithAccess<T>(
  deps: AuditDeps,
  access: Access,
  change: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  return withAccess(deps, access, () =>
    transaction(deps.pool, async (client) => {
      const result = await change(client)
      await insertOrRefuse(client, access)
      return result
    }),
  )
}

async function withAccess<T>(
  { pool, events }: AuditDeps,
  access: Access,
  work: () => Promise<T>,
): Promise<T> {
  const result = await work().catch(async (error: unknown) => {
    access.error = reasonOf(error)
    events.accessed(access)
    // Without a database there is no log to write to, and nothing was read or changed.
    if (databaseUnavailable(error) === undefined) await insertOrRefuse(pool, access)
    throw error
  })
  events.accessed(access)
  return result
}

/** A validation names fields, and the name of a field may be a secret that was put in the wrong place. */
function reasonOf(error: unknown): string {
  const { code, message } = databaseUnavailable(error) ?? toAppError(error)
  return code === 'validation_failed' ? code : message
}

async function insertOrRefuse(executor: pg.Pool | pg.PoolClient, access: Access): Promise<void> {
  try {
    await insertAccess(executor, access)
  } catch (cause) {
    throw new AppError('service_unavailable', 'The access could not be logged, so it was refused.', {
      cause,
      retryAfterSeconds: 2,
    })
  }
}
