import {
  type AnyInternalRoute,
  type AnyRoute,
  createInternalApp,
  createPublicApp,
} from '@opsconductor/service-kit'
import { checkInternalRoutes } from './checks/routes.ts'
import type { ExecutorDeps } from './deps.ts'
import { jobInternalRoutes, jobRoutes } from './jobs/routes.ts'
import { outboundPolicyRoutes } from './outbound-policy/routes.ts'
import { permissions } from './permissions.ts'
import { runInternalRoutes, runRoutes } from './runs/routes.ts'
import { stepTypeRoutes } from './step-types/routes.ts'

export const publicRoutes = (deps: ExecutorDeps): AnyRoute[] => [
  ...jobRoutes(deps),
  ...runRoutes(deps),
  ...outboundPolicyRoutes(deps),
  ...stepTypeRoutes(),
]

export const internalRoutes = (deps: ExecutorDeps): AnyInternalRoute[] => [
  ...jobInternalRoutes(deps),
  ...runInternalRoutes(deps),
  ...checkInternalRoutes(deps),
]

export function createApps(deps: ExecutorDeps) {
  const { log, metrics, keys, serviceAuth } = deps
  return {
    publicApp: createPublicApp({
      log,
      metrics,
      title: 'OpsConductor executor',
      routes: publicRoutes(deps),
      authenticate: serviceAuth.authenticate,
      permissions,
    }),
    internalApp: createInternalApp({
      log,
      metrics,
      routes: internalRoutes(deps),
      keys,
      ready: deps.ready,
    }),
  }
}
