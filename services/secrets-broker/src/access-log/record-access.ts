import { transaction } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import type pg from 'pg'
import type { Events } from '../events.ts'
import type { Access } from './access.ts'
import { insertAccess } from './store.ts'

interface AuditDeps {
  pool: pg.Pool
  events: Events
}

/** Resolves when the row is durable. Fails closed: throws `service_unavailable` where it could not be written. */
export async function recordAccess({ pool, events }: AuditDeps, access: Access): Promise<void> {
  await insertOrRefuse(pool, access)
  events.accessed(access)
}

/** Does `change` and writes its row in one transaction: both are there, or none. */
export async function changeWithAccess<T>(
  { pool, events }: AuditDeps,
  change: (client: pg.PoolClient) => Promise<{ result: T; access: Access }>,
): Promise<T> {
  const { result, access } = await transaction(pool, async (client) => {
    const changed = await change(client)
    await insertOrRefuse(client, changed.access)
    return changed
  })
  events.accessed(access)
  return result
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
