import type pg from 'pg'

export interface Race<T> {
  /** Takes row locks, on the holder's connection. */
  lock: string
  values?: unknown[]
  /** How many statements of the work come to wait for a lock. */
  waiting: number
  work: () => Promise<T>
  /** Looks on, on the holder's connection, while they wait. */
  meanwhile?: () => Promise<void>
}

/**
 * Holds the locks until the work has come to as many statements that wait, then lets go: everybody is at the same
 * point, so who wins is the database's choice and not the luck of the test.
 */
export async function race<T>(
  holder: pg.Client,
  { lock, values = [], waiting, work, meanwhile }: Race<T>,
): Promise<T> {
  await holder.query('BEGIN')
  try {
    await holder.query(lock, values)
    const result = work()
    result.catch(() => {})
    for (let blocked = 0; blocked < waiting; ) {
      await holder.query('SELECT pg_stat_clear_snapshot()')
      const { rows } = await holder.query(
        `SELECT count(*)::int AS blocked FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      )
      blocked = rows[0].blocked
    }
    await meanwhile?.()
    await holder.query('COMMIT')
    return await result
  } catch (error) {
    await holder.query('ROLLBACK')
    throw error
  }
}
