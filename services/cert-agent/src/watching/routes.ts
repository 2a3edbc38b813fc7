import { callerLabel, projectOf } from '@opsconductor/auth'
import { Vhost, VhostParams } from '@opsconductor/contracts'
import { type AnyRoute, createRateLimit, route } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { findServer } from '../servers/find-server.ts'
import { unknownVhost } from '../vhosts/find-vhost.ts'
import { toVhostWire } from '../vhosts/wire.ts'
import { probeNow } from './probe-now.ts'

const probes = { max: 60, windowMs: 60_000, detail: 'Too many probes were asked for by this caller.' }

export const watchingRoutes = (deps: Deps): AnyRoute[] => {
  const probeLimit = createRateLimit(probes)
  return [
    route({
      method: 'post',
      path: '/api/servers/{id}/vhosts/{vhost_id}/probe',
      summary: 'Look at once at what a virtual host serves.',
      action: 'certificates.operate',
      params: VhostParams,
      answers: { 200: Vhost },
      handle: async ({ caller, params, signal }) => {
        const server = await findServer(deps, caller, params.id)
        probeLimit.take(callerLabel(caller))
        const of = { projectId: projectOf(caller), serverId: server.id, vhostId: params.vhost_id }
        await probeNow(deps, of, callerLabel(caller), signal)
        const vhost = await deps.vhosts.find(server.id, params.vhost_id)
        if (vhost === undefined) throw unknownVhost()
        return { status: 200, body: toVhostWire(vhost) }
      },
    }),
  ]
}
