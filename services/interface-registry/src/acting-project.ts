import { transaction } from '@opsconductor/database'
import type pg from 'pg'

/** Acts for every project: the platform's own chores, and looking something up before it is known whose it is. */
export const everyProject = '*'

/**
 * Runs `work` in one transaction that acts for the project: row-level security shows it what the project owns or was
 * given, and nothing else. The setting ends with the transaction.
 */
export const asProject = <T>(
  pool: pg.Pool,
  projectId: string,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> =>
  transaction(pool, async (client) => {
    await client.query("SELECT set_config('opsconductor.project_id', $1, true)", [projectId.toLowerCase()])
    return work(client)
  })
