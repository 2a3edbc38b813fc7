import { createInternalApp, createPublicApp } from '@opsconductor/service-kit'
import { recordRefusal } from './access-log/record-refusal.ts'
import {
  createCredentialRoute,
  deleteCredentialRoute,
  describeCredentialRoute,
  getCredentialRoute,
  listCredentialsRoute,
  useCredentialRoute,
} from './credentials/routes.ts'
import type { Deps } from './deps.ts'
import {
  deleteHostCredentialRoute,
  lookupHostCredentialRoute,
  upsertHostCredentialRoute,
} from './host-credentials/routes.ts'
import { permissions } from './permissions.ts'

export const publicRoutes = (deps: Deps) => [
  createCredentialRoute(deps),
  listCredentialsRoute(deps),
  getCredentialRoute(deps),
  deleteCredentialRoute(deps),
]

export const internalRoutes = (deps: Deps) => [
  upsertHostCredentialRoute(deps),
  lookupHostCredentialRoute(deps),
  deleteHostCredentialRoute(deps),
  useCredentialRoute(deps),
  describeCredentialRoute(deps),
]

/** A secret of a million characters may take four bytes each. */
const bodyBytesMax = 4 * 1024 * 1024

export function createApps(deps: Deps) {
  const { log, metrics, keys, auth, ready } = deps
  return {
    publicApp: createPublicApp({
      log,
      metrics,
      title: 'OpsConductor secrets broker',
      routes: publicRoutes(deps),
      authenticate: auth.authenticate,
      permissions,
      bodyBytesMax,
    }),
    internalApp: createInternalApp({
      log,
      metrics,
      routes: internalRoutes(deps),
      keys,
      ready,
      onUnauthorized: (_route, refusal) => recordRefusal(deps, refusal),
    }),
  }
}
