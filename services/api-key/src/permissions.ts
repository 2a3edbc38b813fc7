import { fromRole, type Permissions } from '@opsconductor/auth'

/** Every action of this service: who may do it. Walked route by route in test/permissions.test.ts. */
export const permissions = {
  'self:read': { anyone: 'user' },
  'users:manage': { anyone: 'platform_admin' },
  'projects:list': { anyone: 'user' },
  'projects:create': { anyone: 'user' },
  'projects:read': { roles: fromRole('viewer'), scope: 'manage:projects:read' },
  'projects:delete': { roles: ['owner'], scope: 'manage:projects' },
  'members:read': { roles: fromRole('admin'), scope: 'manage:members:read' },
  'members:write': { roles: fromRole('admin'), scope: 'manage:members' },
  'keys:read': { roles: fromRole('viewer'), scope: 'manage:keys:read' },
  // A key calls the project's public interfaces, which a viewer may not do.
  'keys:write': { roles: fromRole('operator'), scope: 'manage:keys' },
} as const satisfies Permissions
