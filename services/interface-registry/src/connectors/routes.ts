import { type Caller, projectOf } from '@opsconductor/auth'
import {
  Connectivity,
  Connector,
  ConnectorAccess,
  ConnectorShare,
  ConnectorShares,
  CreateConnector,
  IdParams,
  ListConnectorAccesses,
  ListConnectors,
  pageOf,
  ShareConnector,
  UpdateConnector,
} from '@opsconductor/contracts'
import { route } from '@opsconductor/service-kit'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { connectorToWire } from './connector-to-wire.ts'
import { createConnector } from './create-connector.ts'
import { deleteConnector } from './delete-connector.ts'
import { findConnector } from './find-connector.ts'
import { listConnectorAccesses } from './list-accesses.ts'
import { listConnectors } from './list-connectors.ts'
import { listShares } from './list-shares.ts'
import { shareConnector } from './share-connector.ts'
import type { ShareRecord } from './share-store.ts'
import { testConnector } from './test-connector.ts'
import { unshareConnector } from './unshare-connector.ts'
import { updateConnector } from './update-connector.ts'

const ShareParams = IdParams.extend({ project_id: IdParams.shape.id })

const shareToWire = ({ projectId, createdBy, createdAt }: ShareRecord): z.infer<typeof ConnectorShare> => ({
  project_id: projectId,
  created_by: createdBy,
  created_at: createdAt.toISOString(),
})

const wireFor = (caller: Caller) => connectorToWire(projectOf(caller))

export const createConnectorRoute = (deps: Deps) =>
  route({
    method: 'post',
    path: '/api/connectors',
    summary: 'Name an external system, with what opens it',
    action: 'connectors:write',
    body: CreateConnector,
    answers: { 201: Connector },
    async handle({ caller, body }) {
      const created = await createConnector(deps, caller, body)
      return {
        status: 201,
        headers: { Location: `/api/connectors/${created.id}` },
        body: wireFor(caller)(created),
      }
    },
  })

export const listConnectorsRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/connectors',
    summary: "The project's connectors and those shared with it, newest first",
    action: 'connectors:read',
    query: ListConnectors,
    answers: { 200: pageOf(Connector) },
    async handle({ caller, query }) {
      return { status: 200, body: await listConnectors(deps, caller, query) }
    },
  })

export const getConnectorRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/connectors/{id}',
    summary: 'One connector; what opens it is in no answer',
    action: 'connectors:read',
    params: IdParams,
    answers: { 200: Connector },
    async handle({ caller, params }) {
      return { status: 200, body: wireFor(caller)(await findConnector(deps, caller, params.id)) }
    },
  })

export const updateConnectorRoute = (deps: Deps) =>
  route({
    method: 'patch',
    path: '/api/connectors/{id}',
    summary: 'Change a connector of the project; all but its kind',
    action: 'connectors:write',
    params: IdParams,
    body: UpdateConnector,
    answers: { 200: Connector },
    async handle({ caller, params, body }) {
      return { status: 200, body: wireFor(caller)(await updateConnector(deps, caller, params.id, body)) }
    },
  })

export const deleteConnectorRoute = (deps: Deps) =>
  route({
    method: 'delete',
    path: '/api/connectors/{id}',
    summary: 'Delete a connector; steps that name it fail from now on',
    action: 'connectors:write',
    params: IdParams,
    answers: { 204: null },
    async handle({ caller, params }) {
      await deleteConnector(deps, caller, params.id)
      return { status: 204 }
    },
  })

export const testConnectorRoute = (deps: Deps) =>
  route({
    method: 'post',
    path: '/api/connectors/{id}/test',
    summary: 'Check now whether the system is there and takes the credential',
    action: 'connectors:write',
    params: IdParams,
    answers: { 200: Connectivity },
    async handle({ caller, params, signal }) {
      return { status: 200, body: await testConnector(deps, caller, params.id, signal) }
    },
  })

export const listConnectorSharesRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/connectors/{id}/shares',
    summary: 'The projects that may use a connector of the project',
    action: 'connectors:read',
    params: IdParams,
    answers: { 200: ConnectorShares },
    async handle({ caller, params }) {
      const shares = await listShares(deps, caller, params.id)
      return { status: 200, body: { items: shares.map(shareToWire) } }
    },
  })

export const shareConnectorRoute = (deps: Deps) =>
  route({
    method: 'post',
    path: '/api/connectors/{id}/shares',
    summary: "Let another project's steps use the connector",
    action: 'connectors:write',
    params: IdParams,
    body: ShareConnector,
    answers: { 201: ConnectorShare },
    async handle({ caller, params, body }) {
      return { status: 201, body: shareToWire(await shareConnector(deps, caller, params.id, body)) }
    },
  })

export const unshareConnectorRoute = (deps: Deps) =>
  route({
    method: 'delete',
    path: '/api/connectors/{id}/shares/{project_id}',
    summary: 'Take a share back',
    action: 'connectors:write',
    params: ShareParams,
    answers: { 204: null },
    async handle({ caller, params }) {
      await unshareConnector(deps, caller, params.id, params.project_id)
      return { status: 204 }
    },
  })

export const listConnectorAccessesRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/connectors/{id}/access-log',
    summary: 'Who read, changed, shared or used a connector, newest first; also of one that was deleted',
    action: 'connectors:read',
    params: IdParams,
    query: ListConnectorAccesses,
    answers: { 200: pageOf(ConnectorAccess) },
    async handle({ caller, params, query }) {
      return { status: 200, body: await listConnectorAccesses(deps, caller, params.id, query) }
    },
  })
