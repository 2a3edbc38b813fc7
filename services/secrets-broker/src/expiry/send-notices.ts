import { transaction } from '@opsconductor/database'
import type { Notifier } from '@opsconductor/notify'
import type pg from 'pg'
import { describeNotice } from './describe-notice.ts'
import { lockUnsentNotice, setAllNotified, setNotified, type UnsentNotice } from './store.ts'

interface NotifyingDeps {
  pool: pg.Pool
  /** Undefined where nobody is to be told: then no notice waits. */
  notifier: Pick<Notifier, 'notify'> | undefined
  events: {
    expiryNotified(notice: UnsentNotice): void
    expiryNotNotified(notice: UnsentNotice, error: unknown): void
    expiryNoticeObsolete(notice: UnsentNotice): void
  }
  now(): Date
}

/**
 * Sends every notice that was not sent yet, at least once: one that fails is sent again at the next check, under the
 * same id. Ends at the first that fails, unless what was refused is that message only.
 */
export async function sendNotices({ pool, notifier, events, now }: NotifyingDeps): Promise<void> {
  if (notifier === undefined) return setAllNotified(pool, now())
  const refused: string[] = []
  for (;;) {
    const sent = await transaction(pool, (client) => sendOne(client, refused))
    if (sent === undefined) return
    const { notice, failure } = sent
    if (!notice.isCurrent) events.expiryNoticeObsolete(notice)
    else if (failure === undefined) events.expiryNotified(notice)
    else {
      events.expiryNotNotified(notice, failure)
      if ((failure as { messageRefused?: boolean }).messageRefused !== true) return
      refused.push(notice.id)
    }
  }

  /** The lock is held while it is sent, so that no other process sends it too. */
  async function sendOne(client: pg.PoolClient, except: readonly string[]) {
    const notice = await lockUnsentNotice(client, except)
    if (notice === undefined) return undefined
    const at = now()
    try {
      if (notice.isCurrent) await notifier?.notify(describeNotice(notice, at))
    } catch (failure) {
      return { notice, failure }
    }
    await setNotified(client, notice.id, at)
    return { notice }
  }
}
