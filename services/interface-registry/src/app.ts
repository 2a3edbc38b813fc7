import { createInternalApp, createPublicApp } from '@opsconductor/service-kit'
import { publicCalls } from './calls/public-calls.ts'
import { bindConnectorRoute, resolveConnectorRoute } from './connectors/internal-routes.ts'
import {
  createConnectorRoute,
  deleteConnectorRoute,
  getConnectorRoute,
  listConnectorAccessesRoute,
  listConnectorSharesRoute,
  listConnectorsRoute,
  shareConnectorRoute,
  testConnectorRoute,
  unshareConnectorRoute,
  updateConnectorRoute,
} from './connectors/routes.ts'
import type { Deps } from './deps.ts'
import {
  admitCallRoute,
  grantCallRoute,
  grantForWorkerRoute,
  grantKeysRoute,
  publicGrantKeysRoute,
} from './grants/routes.ts'
import {
  createInterfaceRoute,
  deleteInterfaceRoute,
  findPublicInterfaceRoute,
  getInterfaceRoute,
  listInterfacesRoute,
  updateInterfaceRoute,
} from './interfaces/routes.ts'
import { listConnectivityRoute } from './monitoring/routes.ts'
import { permissions } from './permissions.ts'
import {
  createProjectConnectorRoute,
  deleteProjectConnectorRoute,
  getProjectConnectorRoute,
  listProjectConnectorAccessesRoute,
  listProjectConnectorsRoute,
  testProjectConnectorRoute,
  updateProjectConnectorRoute,
} from './project-connectors/routes.ts'
import { ensureNamespaceRoute, retireNamespaceRoute } from './projects/routes.ts'
import {
  createWorkflowRoute,
  deleteWorkflowRoute,
  getWorkflowRoute,
  listWorkflowsRoute,
} from './workflows/routes.ts'

export const publicRoutes = (deps: Deps) => [
  createWorkflowRoute(deps),
  listWorkflowsRoute(deps),
  getWorkflowRoute(deps),
  deleteWorkflowRoute(deps),
  createInterfaceRoute(deps),
  listInterfacesRoute(deps),
  getInterfaceRoute(deps),
  updateInterfaceRoute(deps),
  deleteInterfaceRoute(deps),
  createConnectorRoute(deps),
  listConnectorsRoute(deps),
  getConnectorRoute(deps),
  updateConnectorRoute(deps),
  deleteConnectorRoute(deps),
  testConnectorRoute(deps),
  listConnectivityRoute(deps),
  listConnectorSharesRoute(deps),
  shareConnectorRoute(deps),
  unshareConnectorRoute(deps),
  listConnectorAccessesRoute(deps),
  // Before the routes of one connector: its path would be read as an id.
  publicGrantKeysRoute(deps),
  createProjectConnectorRoute(deps),
  listProjectConnectorsRoute(deps),
  getProjectConnectorRoute(deps),
  updateProjectConnectorRoute(deps),
  deleteProjectConnectorRoute(deps),
  testProjectConnectorRoute(deps),
  listProjectConnectorAccessesRoute(deps),
  grantForWorkerRoute(deps),
]

export const internalRoutes = (deps: Deps) => [
  ensureNamespaceRoute(deps),
  retireNamespaceRoute(deps),
  findPublicInterfaceRoute(deps),
  resolveConnectorRoute(deps),
  bindConnectorRoute(deps),
  grantCallRoute(deps),
  admitCallRoute(deps),
  grantKeysRoute(deps),
]

export function createApps(deps: Deps) {
  const { log, metrics, keys, auth, ready } = deps
  return {
    publicApp: createPublicApp({
      log,
      metrics,
      title: 'OpsConductor interface registry',
      routes: publicRoutes(deps),
      authenticate: auth.authenticate,
      permissions,
      mount: (app) => app.use('/api/v1', publicCalls(deps)),
    }),
    internalApp: createInternalApp({ log, metrics, routes: internalRoutes(deps), keys, ready }),
  }
}
