import { fromRole, type Permissions } from '@opsconductor/auth'

export const permissions = {
  'interfaces:read': { roles: fromRole('viewer'), scope: 'manage:interfaces:read' },
  'interfaces:write': { roles: fromRole('admin'), scope: 'manage:interfaces' },
} as const satisfies Permissions
