import { createInternalApp, createPublicApp } from '@opsconductor/service-kit'
import { publicCalls } from './calls/public-calls.ts'
import type { Deps } from './deps.ts'
import {
  createInterfaceRoute,
  deleteInterfaceRoute,
  findPublicInterfaceRoute,
  getInterfaceRoute,
  listInterfacesRoute,
  updateInterfaceRoute,
} from './interfaces/routes.ts'
import { permissions } from './permissions.ts'
import { ensureNamespaceRoute } from './projects/routes.ts'
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
]

export const internalRoutes = (deps: Deps) => [ensureNamespaceRoute(deps), findPublicInterfaceRoute(deps)]

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
