import { fromRole, type Permissions } from '@opsconductor/auth'

/** Every action of this service: who may do it. Walked route by route in test/permissions.test.ts. */
export const permissions = {
  'credentials:read': { roles: fromRole('operator'), scope: 'manage:credentials:read' },
  'credentials:write': { roles: fromRole('admin'), scope: 'manage:credentials' },
  'trust:read': { roles: fromRole('operator'), scope: 'manage:credentials:read' },
  'trust:write': { roles: fromRole('admin'), scope: 'manage:credentials' },
  'host-credentials:read': { roles: fromRole('admin'), scope: 'manage:credentials:read' },
} as const satisfies Permissions
