import {
  CreateInterface,
  findPublicInterfaceEndpoint,
  IdParams,
  ListInterfaces,
  pageOf,
  ServiceInterface,
  UpdateInterface,
} from '@opsconductor/contracts'
import { internalRoute, route, validate } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { createInterface } from './create-interface.ts'
import { deleteInterface } from './delete-interface.ts'
import { findInterface } from './find-interface.ts'
import { findPublicInterface } from './find-public-interface.ts'
import { interfaceToWire } from './interface-to-wire.ts'
import { listInterfaces } from './list-interfaces.ts'
import { updateInterface } from './update-interface.ts'

const wireOf = (deps: Deps) => interfaceToWire(deps.config.PUBLIC_BASE_URL)

export const createInterfaceRoute = (deps: Deps) =>
  route({
    method: 'post',
    path: '/api/workflows/{id}/interfaces',
    summary: 'Add a signal, query or update of a workflow; public where is_public is true',
    action: 'interfaces:write',
    params: IdParams,
    body: CreateInterface,
    answers: { 201: ServiceInterface },
    async handle({ caller, params, body }) {
      const created = await createInterface(deps, caller, params.id, body)
      return {
        status: 201,
        headers: { Location: `/api/interfaces/${created.id}` },
        body: wireOf(deps)(created),
      }
    },
  })

export const listInterfacesRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/interfaces',
    summary: 'The interfaces of the project, or of one workflow, newest first',
    action: 'interfaces:read',
    query: ListInterfaces,
    answers: { 200: pageOf(ServiceInterface) },
    async handle({ caller, query }) {
      return { status: 200, body: await listInterfaces(deps, caller, query) }
    },
  })

export const getInterfaceRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/interfaces/{id}',
    summary: 'One interface, with how far its publishing has come',
    action: 'interfaces:read',
    params: IdParams,
    answers: { 200: ServiceInterface },
    async handle({ caller, params }) {
      return { status: 200, body: wireOf(deps)(await findInterface(deps, caller, params.id)) }
    },
  })

export const updateInterfaceRoute = (deps: Deps) =>
  route({
    method: 'patch',
    path: '/api/interfaces/{id}',
    summary: 'Change an interface; is_public publishes or withdraws it',
    action: 'interfaces:write',
    params: IdParams,
    body: UpdateInterface,
    answers: { 200: ServiceInterface },
    async handle({ caller, params, body }) {
      return { status: 200, body: wireOf(deps)(await updateInterface(deps, caller, params.id, body)) }
    },
  })

export const deleteInterfaceRoute = (deps: Deps) =>
  route({
    method: 'delete',
    path: '/api/interfaces/{id}',
    summary: 'Delete an interface, with its public face and the API keys bound to it',
    action: 'interfaces:write',
    params: IdParams,
    answers: { 204: null },
    async handle({ caller, params }) {
      await deleteInterface(deps, caller, params.id)
      return { status: 204 }
    },
  })

export const findPublicInterfaceRoute = (deps: Deps) =>
  internalRoute(findPublicInterfaceEndpoint, ({ params }) =>
    findPublicInterface(deps, validate(IdParams, params, 'params').id),
  )
