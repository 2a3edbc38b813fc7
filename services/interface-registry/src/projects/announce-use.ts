import { executorTopics } from '@opsconductor/contracts'
import { publishEvent } from '@opsconductor/events'
import type pg from 'pg'

/** Within this, one announcement speaks for all uses of a project; well below the time after which a worker rests. */
const everyMs = 1_000
const projectsMax = 10_000

/**
 * Says that a project is used, for executors to serve it: the call that follows finds its worker sooner than they would
 * notice by themselves. Not waited for, and nothing fails where it gets lost.
 */
export function createUseAnnouncer(options: {
  pool: Pick<pg.Pool, 'query'>
  onError(error: Error): void
  now?: () => number
}): (projectId: string) => void {
  const now = options.now ?? Date.now
  const announced = new Map<string, number>()
  return (projectId) => {
    if (now() - (announced.get(projectId) ?? -everyMs) < everyMs) return
    if (announced.size >= projectsMax) announced.clear()
    announced.set(projectId, now())
    publishEvent((sql, ...values) => options.pool.query(sql, values), {
      topic: executorTopics.projectActive,
      key: projectId,
    }).catch(options.onError)
  }
}
