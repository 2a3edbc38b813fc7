import { createNotifier } from '@opsconductor/notify'
import type { Deps } from '../deps.ts'
import type { Outbound } from '../outbound/open-outbound.ts'
import type { TakenNotification } from './store.ts'
import { type Target, type TargetDeps, type TellingOf, targetsOf } from './targets.ts'

type Needed = TargetDeps & Pick<Deps, 'notifications' | 'events' | 'now'>

const takenAtOnce = 10
/** Longer than sending one may take. */
const takenMs = 120_000
const sendMsMax = 60_000
const attemptsMax = 14
const minuteMs = 60_000
const retryMsMax = 6 * 60 * minuteMs

/** One minute, doubling to six hours: about two days in all. */
export const notificationRetryMs = (attempts: number): number =>
  Math.min(minuteMs * 2 ** (attempts - 1), retryMsMax)

/** Sends all that is due, to whom has not got it yet. Several processes may do so at once. */
export async function sendNotifications(deps: Needed, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const now = deps.now()
    const taken = await deps.notifications.take(now, new Date(now.getTime() + takenMs), takenAtOnce)
    await Promise.all(taken.map((notification) => sendOne(deps, notification, stop)))
    if (taken.length < takenAtOnce) return
  }
}

async function sendOne(deps: Needed, notification: TakenNotification, stop: AbortSignal): Promise<void> {
  const { id, projectId, attempts, payload } = notification
  const settings = await deps.notifications.findSettings(projectId)
  const targets = settings === undefined ? [] : targetsOf(deps, settings)
  const told = new Set(notification.told)
  const signal = AbortSignal.any([stop, AbortSignal.timeout(sendMsMax)])
  const failures: unknown[] = []
  await Promise.all(
    targets
      .filter((target) => !told.has(target.id))
      .map((target) =>
        tell(deps, target, notification, { projectId, loanId: id, signal }).then(
          () => told.add(target.id),
          (error: unknown) => failures.push(error),
        ),
      ),
  )
  const facts = { id, projectId, kind: payload.kind }
  if (failures.length === 0) {
    await deps.notifications.giveBack(id, [...told], { sent: deps.now() })
    return deps.events.notified(facts)
  }
  const isLast = attempts >= attemptsMax
  const retryAt = isLast ? null : new Date(deps.now().getTime() + notificationRetryMs(attempts))
  await deps.notifications.giveBack(id, [...told], { retryAt })
  for (const failure of failures) deps.events.notNotified(facts, failure, isLast)
}

async function tell(
  deps: Needed,
  target: Target,
  { id, payload: { kind, ...notification } }: TakenNotification,
  of: TellingOf,
): Promise<void> {
  const outbounds: Outbound[] = []
  const options = await target.open(of, outbounds)
  const notifier = createNotifier({ ...options, triesMax: 1, now: deps.now })
  const close = () => void notifier.close()
  of.signal.addEventListener('abort', close)
  try {
    of.signal.throwIfAborted()
    await notifier.notify({ id, type: kind, ...notification })
  } finally {
    of.signal.removeEventListener('abort', close)
    await notifier.close()
    await Promise.all(outbounds.map((outbound) => outbound.close()))
  }
}
