import { callerLabel, projectOf } from '@opsconductor/auth'
import {
  Bastion,
  CreateBastion,
  findWayEndpoint,
  IdParams,
  PageQuery,
  pageOf,
  UpdateBastion,
} from '@opsconductor/contracts'
import { type AnyInternalRoute, type AnyRoute, internalRoute, route, toPage } from '@opsconductor/service-kit'
import type { ExecutorDeps } from '../deps.ts'
import { deleteBastion } from './delete-bastion.ts'
import { findBastion } from './find-bastion.ts'
import { findWay } from './find-way.ts'
import { createBastion, updateBastion } from './save-bastion.ts'
import { toBastionWire } from './wire.ts'

const path = '/api/bastions'

export const bastionRoutes = (deps: ExecutorDeps): AnyRoute[] => [
  route({
    method: 'post',
    path,
    summary: 'Add an SSH server that steps may go through.',
    action: 'bastions.write',
    body: CreateBastion,
    answers: { 201: Bastion },
    handle: async ({ caller, body }) => {
      const bastion = await createBastion(deps, projectOf(caller), callerLabel(caller), body)
      return { status: 201, headers: { Location: `${path}/${bastion.id}` }, body: toBastionWire(bastion) }
    },
  }),
  route({
    method: 'get',
    path,
    summary: "The project's bastions, newest first.",
    action: 'bastions.read',
    query: PageQuery,
    answers: { 200: pageOf(Bastion) },
    handle: async ({ caller, query }) => {
      const rows = await deps.bastions.list(projectOf(caller), query)
      return { status: 200, body: toPage(rows, query.limit, toBastionWire) }
    },
  }),
  route({
    method: 'get',
    path: `${path}/{id}`,
    summary: 'One bastion.',
    action: 'bastions.read',
    params: IdParams,
    answers: { 200: Bastion },
    handle: async ({ caller, params }) => ({
      status: 200,
      body: toBastionWire(await findBastion(deps, projectOf(caller), params.id)),
    }),
  }),
  route({
    method: 'put',
    path: `${path}/{id}`,
    summary: 'Change a bastion; what is left out stays.',
    action: 'bastions.write',
    params: IdParams,
    body: UpdateBastion,
    answers: { 200: Bastion },
    handle: async ({ caller, params, body }) => {
      const which = { projectId: projectOf(caller), id: params.id }
      return { status: 200, body: toBastionWire(await updateBastion(deps, which, callerLabel(caller), body)) }
    },
  }),
  route({
    method: 'delete',
    path: `${path}/{id}`,
    summary: 'Delete a bastion.',
    action: 'bastions.write',
    params: IdParams,
    answers: { 204: null },
    handle: async ({ caller, params }) => {
      await deleteBastion(deps, { projectId: projectOf(caller), id: params.id }, callerLabel(caller))
      return { status: 204 }
    },
  }),
]

export const bastionInternalRoutes = (deps: ExecutorDeps): AnyInternalRoute[] => [
  internalRoute(findWayEndpoint, async ({ request: { project_id: projectId, via } }) => {
    const [policy, bastions] = await Promise.all([
      deps.outboundPolicies.find(projectId),
      // With a code that reaches the asker: what went wrong inside a service stays inside.
      findWay(deps.bastions, projectId, via, 'not_found'),
    ])
    return { policy, bastions }
  }),
]
