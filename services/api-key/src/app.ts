import {
  type AnyInternalRoute,
  type AnyRoute,
  createInternalApp,
  createPublicApp,
  internalKeys,
} from '@opsconductor/service-kit'
import type { Deps } from './deps.ts'
import * as keys from './keys/routes.ts'
import * as members from './members/routes.ts'
import { permissions } from './permissions.ts'
import { takeProjectFromPath } from './projects/project-in-path.ts'
import * as projects from './projects/routes.ts'
import * as sessions from './sessions/routes.ts'
import * as users from './users/routes.ts'

export { bootstrapAdmin } from './users/bootstrap-admin.ts'

/** Nothing here takes more than a name, some scopes and a password. */
const bodyBytesMax = 64 * 1024

export const publicRoutes = (deps: Deps): AnyRoute[] => [
  sessions.signInRoute(deps),
  sessions.refreshSessionRoute(deps),
  sessions.signOutRoute(deps),
  users.getSelfRoute(deps),
  users.listUsersRoute(deps),
  users.createUserRoute(deps),
  users.getUserRoute(deps),
  users.updateUserRoute(deps),
  projects.listProjectsRoute(deps),
  projects.createProjectRoute(deps),
  projects.getProjectRoute(deps),
  projects.deleteProjectRoute(deps),
  members.listMembersRoute(deps),
  members.putMemberRoute(deps),
  members.removeMemberRoute(deps),
  keys.listKeysRoute(deps),
  keys.createKeyRoute(deps),
  keys.getKeyRoute(deps),
  keys.revokeKeyRoute(deps),
  keys.regenerateKeyRoute(deps),
]

export const internalRoutes = (deps: Deps): AnyInternalRoute[] => [
  keys.verifyKeyRoute(deps),
  keys.reportKeyUseRoute(deps),
  members.membershipsRoute(deps),
  members.commonMemberRoute(deps),
  sessions.jwksRoute(deps),
]

export function createApps(deps: Deps) {
  const { log, metrics } = deps
  return {
    publicApp: createPublicApp({
      title: 'OpsConductor: people, projects and API keys',
      log,
      metrics,
      routes: publicRoutes(deps),
      permissions,
      authenticate: deps.authenticate,
      bodyBytesMax,
      mount: takeProjectFromPath,
    }),
    internalApp: createInternalApp({
      log,
      metrics,
      routes: internalRoutes(deps),
      keys: internalKeys(deps.config, 'api-key'),
      async ready() {
        await deps.pool.query('SELECT 1')
      },
    }),
  }
}
