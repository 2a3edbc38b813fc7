import {
  ConnectorAccess,
  CreateProjectConnector,
  IdParams,
  ListConnectorAccesses,
  ListProjectConnectors,
  ProjectConnector,
  ProjectConnectorTest,
  pageOf,
  UpdateProjectConnector,
} from '@opsconductor/contracts'
import { route } from '@opsconductor/service-kit'
import { listAccesses } from '../connectors/list-accesses.ts'
import type { Deps } from '../deps.ts'
import { createProjectConnector } from './create-project-connector.ts'
import { deleteProjectConnector } from './delete-project-connector.ts'
import { findProjectConnector } from './find-project-connector.ts'
import { listProjectConnectors } from './list-project-connectors.ts'
import { projectConnectorToWire } from './project-connector-to-wire.ts'
import { testProjectConnector } from './test-project-connector.ts'
import { updateProjectConnector } from './update-project-connector.ts'

export const createProjectConnectorRoute = (deps: Deps) =>
  route({
    method: 'post',
    path: '/api/project-connectors',
    summary: "Make a call path to another project's interface; for owners and admins of both projects",
    action: 'project-connectors:write',
    body: CreateProjectConnector,
    answers: { 201: ProjectConnector },
    async handle({ caller, body }) {
      const created = await createProjectConnector(deps, caller, body)
      return {
        status: 201,
        headers: { Location: `/api/project-connectors/${created.id}` },
        body: projectConnectorToWire(created),
      }
    },
  })

export const listProjectConnectorsRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/project-connectors',
    summary: 'The call paths from the project, or those by which it is called, newest first',
    action: 'project-connectors:read',
    query: ListProjectConnectors,
    answers: { 200: pageOf(ProjectConnector) },
    async handle({ caller, query }) {
      return { status: 200, body: await listProjectConnectors(deps, caller, query) }
    },
  })

export const getProjectConnectorRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/project-connectors/{id}',
    summary: 'One call path, with how far its Nexus endpoint is',
    action: 'project-connectors:read',
    params: IdParams,
    answers: { 200: ProjectConnector },
    async handle({ caller, params }) {
      return {
        status: 200,
        body: projectConnectorToWire(await findProjectConnector(deps, caller, params.id)),
      }
    },
  })

export const updateProjectConnectorRoute = (deps: Deps) =>
  route({
    method: 'patch',
    path: '/api/project-connectors/{id}',
    summary: 'Change a call path; is_active: false stops new calls at once',
    action: 'project-connectors:write',
    params: IdParams,
    body: UpdateProjectConnector,
    answers: { 200: ProjectConnector },
    async handle({ caller, params, body }) {
      const changed = await updateProjectConnector(deps, caller, params.id, body)
      return { status: 200, body: projectConnectorToWire(changed) }
    },
  })

export const deleteProjectConnectorRoute = (deps: Deps) =>
  route({
    method: 'delete',
    path: '/api/project-connectors/{id}',
    summary: 'End all calls through it, from either project; its Nexus endpoint is removed',
    action: 'project-connectors:write',
    params: IdParams,
    answers: { 204: null },
    async handle({ caller, params }) {
      await deleteProjectConnector(deps, caller, params.id)
      return { status: 204 }
    },
  })

export const testProjectConnectorRoute = (deps: Deps) =>
  route({
    method: 'post',
    path: '/api/project-connectors/{id}/test',
    summary: 'Make a real round trip without effect, and say which part fails',
    action: 'project-connectors:write',
    params: IdParams,
    answers: { 200: ProjectConnectorTest },
    async handle({ caller, params }) {
      return { status: 200, body: await testProjectConnector(deps, caller, params.id) }
    },
  })

export const listProjectConnectorAccessesRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/project-connectors/{id}/access-log',
    summary: 'Who changed, tested or used a call path, newest first; also of one that was deleted',
    action: 'project-connectors:read',
    params: IdParams,
    query: ListConnectorAccesses,
    answers: { 200: pageOf(ConnectorAccess) },
    async handle({ caller, params, query }) {
      const find = () => findProjectConnector(deps, caller, params.id)
      return { status: 200, body: await listAccesses(deps, caller, params.id, query, find) }
    },
  })
