import { projectOf } from '@opsconductor/auth'
import {
  Breakers,
  ConnectorCall,
  ListConnectorCalls,
  pageOf,
  testProjectConnectorEndpoint,
} from '@opsconductor/contracts'
import { type AnyInternalRoute, type AnyRoute, internalRoute, route, toPage } from '@opsconductor/service-kit'
import type { ExecutorDeps } from '../deps.ts'
import { testConnector } from './test-connector.ts'
import { toBreakerWire, toCallWire } from './wire.ts'

export const projectCallRoutes = (deps: ExecutorDeps): AnyRoute[] => [
  route({
    method: 'get',
    path: '/api/connector-calls',
    summary: "The project's calls of other projects, and those that it served, newest first.",
    action: 'connector-calls.read',
    query: ListConnectorCalls,
    answers: { 200: pageOf(ConnectorCall) },
    handle: async ({ caller, query }) => {
      const rows = await deps.projectCalls.store.list(projectOf(caller), query)
      return { status: 200, body: toPage(rows, query.limit, toCallWire) }
    },
  }),
  route({
    method: 'get',
    path: '/api/connector-calls/breakers',
    summary: 'Whether calls are let through, of each connector that the project has called through.',
    action: 'connector-calls.read',
    answers: { 200: Breakers },
    handle: async ({ caller }) => {
      const rows = await deps.projectCalls.store.breakersOf(projectOf(caller))
      return { status: 200, body: { items: rows.map(toBreakerWire) } }
    },
  }),
]

export const projectCallInternalRoutes = (deps: ExecutorDeps): AnyInternalRoute[] => [
  internalRoute(testProjectConnectorEndpoint, ({ request }) => testConnector(deps.projectCalls, request)),
]
