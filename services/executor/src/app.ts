import {
  type AnyInternalRoute,
  type AnyRoute,
  createInternalApp,
  createPublicApp,
} from '@opsconductor/service-kit'
import { artefactRoutes } from './artefacts/routes.ts'
import { bastionInternalRoutes, bastionRoutes } from './bastions/routes.ts'
import { checkInternalRoutes } from './checks/routes.ts'
import type { ExecutorDeps } from './deps.ts'
import { jobInternalRoutes, jobRoutes } from './jobs/routes.ts'
import { mibRoutes } from './mibs/routes.ts'
import { outboundPolicyRoutes } from './outbound-policy/routes.ts'
import { permissions } from './permissions.ts'
import { projectCallInternalRoutes, projectCallRoutes } from './project-calls/routes.ts'
import { runInternalRoutes, runRoutes } from './runs/routes.ts'
import { stepTypeRoutes } from './step-types/routes.ts'
import { webhookRoutes } from './webhooks/routes.ts'

export const publicRoutes = (deps: ExecutorDeps): AnyRoute[] => [
  ...jobRoutes(deps),
  ...runRoutes(deps),
  ...artefactRoutes(deps),
  ...outboundPolicyRoutes(deps),
  ...bastionRoutes(deps),
  ...mibRoutes(deps),
  ...stepTypeRoutes(),
  ...webhookRoutes(deps),
  ...projectCallRoutes(deps),
]

export const internalRoutes = (deps: ExecutorDeps): AnyInternalRoute[] => [
  ...jobInternalRoutes(deps),
  ...runInternalRoutes(deps),
  ...checkInternalRoutes(deps),
  ...bastionInternalRoutes(deps),
  ...projectCallInternalRoutes(deps),
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
      // A MIB module may have nearly as much; more does not come through the gateway.
      bodyBytesMax: 2 * 1024 * 1024,
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
