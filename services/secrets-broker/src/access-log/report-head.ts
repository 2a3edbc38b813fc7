import type pg from 'pg'
import type { Events } from '../events.ts'
import { selectHead } from './store.ts'

/**
 * Writes the head of the access log to the service's own log. Kept where the owner of the database cannot write, such a
 * line shows whether he wrote the access log anew (`audit:verify --expect-head`).
 */
export async function reportHead({ pool, events }: { pool: pg.Pool; events: Events }): Promise<void> {
  events.accessLogHead(await selectHead(pool))
}
