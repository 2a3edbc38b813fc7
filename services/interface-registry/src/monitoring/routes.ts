import { ListConnectors, MonitoredConnector, pageOf } from '@opsconductor/contracts'
import { route } from '@opsconductor/service-kit'
import { listConnectors } from '../connectors/list-connectors.ts'
import type { Deps } from '../deps.ts'

export const listConnectivityRoute = (deps: Deps) =>
  route({
    method: 'get',
    path: '/api/monitoring/connectivity',
    summary: 'What the last check found of each connector of the project, and of those shared with it',
    action: 'connectors:read',
    query: ListConnectors,
    answers: { 200: pageOf(MonitoredConnector) },
    async handle({ caller, query }) {
      return { status: 200, body: await listConnectors(deps, caller, query) }
    },
  })
