import { callerLabel, projectOf } from '@opsconductor/auth'
import {
  CreateServer,
  DeleteServer,
  IdParams,
  ListServers,
  pageOf,
  Server,
  ServerCheck,
  UpdateServer,
} from '@opsconductor/contracts'
import { type AnyRoute, createRateLimit, route, toPage } from '@opsconductor/service-kit'
import { assertUnlimited } from '../client-limits/assert-may-manage.ts'
import { findLimit } from '../client-limits/find-limit.ts'
import type { Deps } from '../deps.ts'
import { checkServer } from './check-server.ts'
import { deleteServer } from './delete-server.ts'
import { findServer } from './find-server.ts'
import { createServer, updateServer } from './save-server.ts'
import { toServerWire } from './wire.ts'

const path = '/api/servers'
const checks = { max: 30, windowMs: 60_000, detail: 'Too many checks were started by this caller.' }

export const serverRoutes = (deps: Deps): AnyRoute[] => {
  const checkLimit = createRateLimit(checks)
  return [
    route({
      method: 'post',
      path,
      summary: 'Register an NGINX server.',
      action: 'servers.write',
      body: CreateServer,
      answers: { 201: Server },
      handle: async ({ caller, body }) => {
        await assertUnlimited(deps, caller, 'This API key may manage only the servers it is limited to.')
        const server = await createServer(deps, projectOf(caller), callerLabel(caller), body)
        return { status: 201, headers: { Location: `${path}/${server.id}` }, body: toServerWire(server) }
      },
    }),
    route({
      method: 'get',
      path,
      summary: "The project's servers, newest first.",
      action: 'servers.read',
      query: ListServers,
      answers: { 200: pageOf(Server) },
      handle: async ({ caller, query }) => {
        const limit = await findLimit(deps, caller)
        const rows = await deps.servers.list(projectOf(caller), query, limit?.serverIds)
        return { status: 200, body: toPage(rows, query.limit, toServerWire) }
      },
    }),
    route({
      method: 'get',
      path: `${path}/{id}`,
      summary: 'One server.',
      action: 'servers.read',
      params: IdParams,
      answers: { 200: Server },
      handle: async ({ caller, params }) => ({
        status: 200,
        body: toServerWire(await findServer(deps, caller, params.id)),
      }),
    }),
    route({
      method: 'put',
      path: `${path}/{id}`,
      summary: 'Change a server; what is left out stays.',
      action: 'servers.write',
      params: IdParams,
      body: UpdateServer,
      answers: { 200: Server },
      handle: async ({ caller, params, body }) => {
        const { projectId, id } = await findServer(deps, caller, params.id)
        if ([body.host, body.port, body.credential, body.via].some((field) => field !== undefined))
          await assertUnlimited(deps, caller, 'A limited API key may not say which host a server is.')
        const server = await updateServer(deps, { projectId, id }, callerLabel(caller), body)
        return { status: 200, body: toServerWire(server) }
      },
    }),
    route({
      method: 'delete',
      path: `${path}/{id}`,
      summary: 'Forget a server; what is on it stays.',
      action: 'servers.write',
      params: IdParams,
      query: DeleteServer,
      answers: { 204: null },
      handle: async ({ caller, params, query }) => {
        const server = await findServer(deps, caller, params.id)
        await deleteServer(deps, server, callerLabel(caller), query.force)
        return { status: 204 }
      },
    }),
    route({
      method: 'post',
      path: `${path}/{id}/check`,
      summary: 'Log in now and look whether the server can be deployed to, part by part.',
      action: 'servers.write',
      params: IdParams,
      answers: { 200: ServerCheck },
      handle: async ({ caller, params, signal }) => {
        const server = await findServer(deps, caller, params.id)
        checkLimit.take(callerLabel(caller))
        return { status: 200, body: await checkServer(deps, server, callerLabel(caller), signal) }
      },
    }),
  ]
}
