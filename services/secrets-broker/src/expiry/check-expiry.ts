import { credentialTopics } from '@opsconductor/contracts'
import { transaction } from '@opsconductor/database'
import { publishEvent } from '@opsconductor/events'
import type pg from 'pg'
import type { ExpiryGauges } from './expiry-gauges.ts'
import { type ExpiryNotice, insertNotices, selectExpiryCounts } from './store.ts'

/** How many days before a date it is told of; the last when it has come. */
export const thresholdsDays = [30, 14, 7, 1, 0] as const

/** So many in one transaction. */
const batchMax = 500

interface ExpiryDeps {
  pool: pg.Pool
  events: { credentialExpiring(notice: ExpiryNotice): void }
  expiryGauges: ExpiryGauges
  now(): Date
}

/**
 * Tells of every credential in use that expires, whose certificate expires or whose secret is due for rotation within a
 * threshold: an event and a log line, once for each date and threshold, whichever process does it; and sets the gauges.
 * Where several thresholds were passed at once, only the nearest is told.
 */
export async function checkExpiry(deps: ExpiryDeps): Promise<void> {
  const at = deps.now()
  while ((await noticeBatch(deps, at)) > 0);
  deps.expiryGauges.set(await selectExpiryCounts(deps.pool, at, thresholdsDays), at)
}

async function noticeBatch({ pool, events }: ExpiryDeps, at: Date): Promise<number> {
  const notices = await transaction(pool, async (client) => {
    const inserted = await insertNotices(client, { at, thresholdsDays, limit: batchMax })
    for (const { credentialId } of inserted)
      await publishEvent(client, {
        topic: credentialTopics.credentialExpiring,
        key: credentialId,
      })
    return inserted
  })
  for (const notice of notices) events.credentialExpiring(notice)
  return notices.length
}
