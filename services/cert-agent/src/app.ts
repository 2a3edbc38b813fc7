import {
  type AnyInternalRoute,
  type AnyRoute,
  createInternalApp,
  createPublicApp,
} from '@opsconductor/service-kit'
import { acmeAccountRoutes } from './acme-accounts/routes.ts'
import { auditRoutes } from './audit/routes.ts'
import { certificateRoutes } from './certificates/routes.ts'
import { challengeRoutes } from './challenges/routes.ts'
import { clientLimitRoutes } from './client-limits/routes.ts'
import type { Deps } from './deps.ts'
import { dnsAccountRoutes } from './dns-accounts/routes.ts'
import { notificationRoutes } from './notifications/routes.ts'
import { operationInternalRoutes, operationRoutes } from './operations/routes.ts'
import { permissions } from './permissions.ts'
import { serverRoutes } from './servers/routes.ts'
import { vhostRoutes } from './vhosts/routes.ts'
import { watchingRoutes } from './watching/routes.ts'

export const publicRoutes = (deps: Deps): AnyRoute[] => [
  // Before what takes any id.
  ...notificationRoutes(deps),
  ...operationRoutes(deps),
  ...auditRoutes(deps),
  ...acmeAccountRoutes(deps),
  ...challengeRoutes(deps),
  ...dnsAccountRoutes(deps),
  ...watchingRoutes(deps),
  ...serverRoutes(deps),
  ...vhostRoutes(deps),
  ...clientLimitRoutes(deps),
  ...certificateRoutes(deps),
]

export const internalRoutes = (deps: Deps): AnyInternalRoute[] => [...operationInternalRoutes(deps)]

export function createApps(deps: Deps) {
  const { log, metrics, keys, auth, ready } = deps
  return {
    publicApp: createPublicApp({
      log,
      metrics,
      title: 'OpsConductor cert-agent',
      routes: publicRoutes(deps),
      authenticate: auth.authenticate,
      permissions,
      // An imported certificate with its key and chain.
      bodyBytesMax: 2 * 1024 * 1024,
    }),
    internalApp: createInternalApp({ log, metrics, routes: internalRoutes(deps), keys, ready }),
  }
}
