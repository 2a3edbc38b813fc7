import { callerLabel } from '@opsconductor/auth'
import {
  CreateVhost,
  IdParams,
  Operation,
  PageQuery,
  pageOf,
  UpdateVhost,
  Vhost,
  VhostParams,
} from '@opsconductor/contracts'
import { type AnyRoute, createRateLimit, type Reply, route, toPage } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { startOperation } from '../operations/start-operation.ts'
import { acceptedOperation, operationUrl } from '../operations/wire.ts'
import { findServer } from '../servers/find-server.ts'
import { findVhost } from './find-vhost.ts'
import { createVhost, deleteVhost, type SavedVhost, updateVhost } from './save-vhost.ts'
import { toVhostWire } from './wire.ts'

const path = '/api/servers/{id}/vhosts'
/** Each of them may start a deployment. */
const changes = { max: 240, windowMs: 60_000, detail: 'Too many virtual hosts were changed by this caller.' }
const discoveries = { max: 20, windowMs: 60_000, detail: 'Too many discoveries were started by this caller.' }

export const vhostRoutes = (deps: Deps): AnyRoute[] => {
  const changeLimit = createRateLimit(changes)
  const discoveryLimit = createRateLimit(discoveries)
  return [
    route({
      method: 'post',
      path,
      summary: 'Add a virtual host; where it names a certificate, that is deployed.',
      action: 'servers.write',
      params: IdParams,
      body: CreateVhost,
      answers: { 201: Vhost },
      handle: async ({ caller, params, body }) => {
        const server = await findServer(deps, caller, params.id)
        changeLimit.take(callerLabel(caller))
        const saved = await createVhost(deps, caller, server, body)
        const Location = `/api/servers/${server.id}/vhosts/${saved.vhost.id}`
        return reply(201, saved, { Location })
      },
    }),
    route({
      method: 'get',
      path,
      summary: 'The virtual hosts of a server, newest first.',
      action: 'servers.read',
      params: IdParams,
      query: PageQuery,
      answers: { 200: pageOf(Vhost) },
      handle: async ({ caller, params, query }) => {
        const server = await findServer(deps, caller, params.id)
        return {
          status: 200,
          body: toPage(await deps.vhosts.list(server.id, query), query.limit, toVhostWire),
        }
      },
    }),
    route({
      method: 'get',
      path: `${path}/{vhost_id}`,
      summary: 'One virtual host, with what was served there last.',
      action: 'servers.read',
      params: VhostParams,
      answers: { 200: Vhost },
      handle: async ({ caller, params }) => ({
        status: 200,
        body: toVhostWire((await findVhost(deps, caller, params)).vhost),
      }),
    }),
    route({
      method: 'put',
      path: `${path}/{vhost_id}`,
      summary: 'Change a virtual host; what is left out stays, and what changes what is served is deployed.',
      action: 'servers.write',
      params: VhostParams,
      body: UpdateVhost,
      answers: { 200: Vhost },
      handle: async ({ caller, params, body }) => {
        const { server, vhost } = await findVhost(deps, caller, params)
        changeLimit.take(callerLabel(caller))
        return reply(200, await updateVhost(deps, caller, server, vhost, body))
      },
    }),
    route({
      method: 'delete',
      path: `${path}/{vhost_id}`,
      summary: 'Forget a virtual host; its configuration stays on the server.',
      action: 'servers.write',
      params: VhostParams,
      answers: { 204: null },
      handle: async ({ caller, params }) => {
        const { vhost } = await findVhost(deps, caller, params)
        await deleteVhost(deps, caller, vhost)
        return { status: 204 }
      },
    }),
    route({
      method: 'post',
      path: '/api/servers/{id}/discover',
      summary: 'Find the virtual hosts in the configuration that NGINX has on the server.',
      action: 'servers.write',
      params: IdParams,
      answers: { 202: Operation },
      handle: async ({ caller, params }) => {
        const { id: serverId, projectId, credentialId } = await findServer(deps, caller, params.id)
        const actor = callerLabel(caller)
        discoveryLimit.take(actor)
        const operation = await startOperation(deps, {
          ...{ projectId, kind: 'discover', actor, serverId, credentials: [credentialId] },
        })
        return acceptedOperation(operation)
      },
    }),
  ]
}

/** With the deployment that it began, where there is one. */
const reply = (
  status: number,
  { vhost, operation }: SavedVhost,
  headers: Record<string, string> = {},
): Reply => ({
  status,
  headers: {
    ...headers,
    ...(operation === undefined ? {} : { 'Operation-Location': operationUrl(operation) }),
  },
  body: toVhostWire(vhost),
})
