import { fromRole, type Permissions } from '@opsconductor/auth'

/** Every action of this service: who may do it. Walked route by route in test/permissions.test.ts. */
export const permissions = {
  'credentials:read': { roles: fromRole('operator'), scope: 'manage:credentials:read' },
  'credentials:write': { roles: fromRole('admin'), scope: 'manage:credentials' },
} as const satisfies Permissions
