import type { Deps } from '../deps.ts'
import type { WatchedVhost } from './store.ts'
import { keepFailure, type ProbeOutcome, type WatchDeps, watchVhost } from './watch-vhost.ts'
import { type ProbingDeps, withWay } from './with-way.ts'

export type DueDeps = WatchDeps & ProbingDeps & Pick<Deps, 'config'>

const takenAtOnce = 40
const serversAtOnce = 5
const vhostsAtOnce = 4

/** Probes all virtual hosts whose time has come. Several processes may do so at once. */
export async function probeDueVhosts(deps: DueDeps, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const taken = await deps.vhostWatch.takeDue(deps.now(), deps.config.PROBE_EVERY_SECONDS, takenAtOnce)
    const byServer = [...Map.groupBy(taken, ({ serverId }) => serverId).values()]
    const outcomes: ProbeOutcome[] = []
    await inTurns(byServer, serversAtOnce, async (vhosts) => {
      outcomes.push(...(await probeServer(deps, vhosts, stop)))
    })
    // What could not be looked at now can be as little a moment later.
    if (taken.length < takenAtOnce || outcomes.includes('unavailable')) return
  }
}

async function probeServer(
  deps: DueDeps,
  vhosts: readonly WatchedVhost[],
  stop: AbortSignal,
): Promise<ProbeOutcome[]> {
  const first = vhosts[0] as WatchedVhost
  const outcomes: ProbeOutcome[] = []
  const left = new Set(vhosts)
  try {
    await withWay(deps, { ...first, actor: 'schedule' }, stop, (way) =>
      inTurns(vhosts, vhostsAtOnce, async (vhost) => {
        outcomes.push(await watchVhost(deps, vhost, way, stop))
        left.delete(vhost)
      }),
    )
  } catch (error) {
    for (const vhost of left)
      if (stop.aborted) await deps.vhostWatch.giveBack(vhost)
      else outcomes.push(await keepFailure(deps, vhost, error))
  }
  return outcomes
}

/** At most `most` at a time. */
async function inTurns<T>(
  items: readonly T[],
  most: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...items]
  const next = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, next))
}
