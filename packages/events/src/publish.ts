import type pg from 'pg'

/** Something other processes must know: `topic` is one of the contracts' topics, `key` names the thing that changed. */
export interface ChangeEvent {
  topic: string
  key: string
}

export const channel = 'opsconductor_events'

/** The transaction that an event belongs to: a pg client, or Prisma's `tx.$executeRawUnsafe` as a function. */
type Transaction = Pick<pg.ClientBase, 'query'> | ((sql: string, ...parameters: string[]) => Promise<unknown>)

/**
 * Announces a change to every process, when the transaction commits (never before, and not at all if it rolls back).
 */
export async function publishEvent(via: Transaction, event: ChangeEvent): Promise<void> {
  const sql = `SELECT pg_notify('${channel}', $1::text)`
  const text = JSON.stringify(event)
  await (typeof via === 'function' ? via(sql, text) : via.query(sql, [text]))
}
