import { createInternalApp, createPublicApp } from '@opsconductor/service-kit'
import { recordRefusal } from './access-log/record-refusal.ts'
import { sealConnectorCredentialsRoute, useConnectorRoute } from './connectors/routes.ts'
import {
  createCredentialRoute,
  deleteCredentialRoute,
  describeCredentialRoute,
  getCredentialRoute,
  keepCredentialRoute,
  listCredentialsRoute,
  listVersionsRoute,
  restoreCredentialRoute,
  rollbackCredentialRoute,
  testCredentialRoute,
  updateCredentialRoute,
  useCredentialRoute,
} from './credentials/routes.ts'
import type { Deps } from './deps.ts'
import {
  deleteHostCredentialRoute,
  listHostCredentialsRoute,
  lookupHostCredentialRoute,
  lookupHostCredentialsRoute,
  upsertHostCredentialRoute,
} from './host-credentials/routes.ts'
import {
  getKeyringRoute,
  openRoute,
  resealRoute,
  rollBackKeyRotationRoute,
  sealRoute,
  startKeyRotationRoute,
} from './keyring/routes.ts'
import { permissions } from './permissions.ts'
import {
  createCaBundleRoute,
  deleteCaBundleRoute,
  getCaBundleRoute,
  listCaBundlesRoute,
  updateCaBundleRoute,
} from './trust/ca-bundle-routes.ts'
import {
  createHostKeyRoute,
  deleteHostKeyRoute,
  getHostKeyRoute,
  getTrustRoute,
  listHostKeysRoute,
  updateHostKeyRoute,
} from './trust/host-key-routes.ts'
import {
  approveHostKeyRoute,
  dismissHostKeyRoute,
  listSeenHostKeysRoute,
  reportHostKeyRoute,
} from './trust/seen-host-key-routes.ts'

import {
  createVaultRoute,
  deleteVaultRoute,
  getSyncRoute,
  getVaultRoute,
  listVaultsRoute,
  syncRoute,
  testVaultRoute,
  updateVaultRoute,
} from './vaults/routes.ts'

export const publicRoutes = (deps: Deps) => [
  createCredentialRoute(deps),
  listCredentialsRoute(deps),
  getCredentialRoute(deps),
  updateCredentialRoute(deps),
  deleteCredentialRoute(deps),
  restoreCredentialRoute(deps),
  listVersionsRoute(deps),
  rollbackCredentialRoute(deps),
  createHostKeyRoute(deps),
  listHostKeysRoute(deps),
  // Before the one that takes any id.
  listSeenHostKeysRoute(deps),
  dismissHostKeyRoute(deps),
  approveHostKeyRoute(deps),
  getHostKeyRoute(deps),
  updateHostKeyRoute(deps),
  deleteHostKeyRoute(deps),
  createCaBundleRoute(deps),
  listCaBundlesRoute(deps),
  getCaBundleRoute(deps),
  updateCaBundleRoute(deps),
  deleteCaBundleRoute(deps),
  testCredentialRoute(deps),
  listHostCredentialsRoute(deps),
  createVaultRoute(deps),
  listVaultsRoute(deps),
  getVaultRoute(deps),
  updateVaultRoute(deps),
  deleteVaultRoute(deps),
  testVaultRoute(deps),
  getSyncRoute(deps),
  syncRoute(deps),
]

export const internalRoutes = (deps: Deps) => [
  upsertHostCredentialRoute(deps),
  lookupHostCredentialRoute(deps),
  lookupHostCredentialsRoute(deps),
  deleteHostCredentialRoute(deps),
  useCredentialRoute(deps),
  describeCredentialRoute(deps),
  keepCredentialRoute(deps),
  sealConnectorCredentialsRoute(deps),
  useConnectorRoute(deps),
  getTrustRoute(deps),
  reportHostKeyRoute(deps),
  getKeyringRoute(deps),
  startKeyRotationRoute(deps),
  rollBackKeyRotationRoute(deps),
  sealRoute(deps),
  openRoute(deps),
  resealRoute(deps),
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
