import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { unknownVhost } from '../vhosts/find-vhost.ts'
import { keepFailure, type WatchDeps, watchVhost } from './watch-vhost.ts'
import { type ProbingDeps, withWay } from './with-way.ts'

/** Probes one virtual host because somebody asked. Throws `not_found`, or what keeps us from looking at all. */
export async function probeNow(
  deps: WatchDeps & ProbingDeps & Pick<Deps, 'audit'>,
  { projectId, serverId, vhostId }: { projectId: string; serverId: string; vhostId: string },
  actor: string,
  signal: AbortSignal,
): Promise<void> {
  const vhost = await deps.vhostWatch.find(vhostId)
  if (vhost === undefined || vhost.projectId !== projectId || vhost.serverId !== serverId)
    throw unknownVhost()
  const outcome = await withWay(deps, { ...vhost, actor }, signal, (way) =>
    watchVhost(deps, vhost, way, signal),
  ).catch((error: unknown) => {
    signal.throwIfAborted()
    return keepFailure(deps, vhost, error)
  })
  await deps.audit.record({
    ...{ projectId, actor, serverId, action: 'vhost.probe' },
    outcome: outcome === 'unavailable' ? 'failed' : 'succeeded',
    detail: { vhost_id: vhostId, state: outcome },
  })
  if (outcome === 'unavailable')
    throw new AppError('service_unavailable', 'The virtual host could not be looked at just now.', {
      retryAfterSeconds: 5,
    })
}
