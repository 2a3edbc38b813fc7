import { fromRole, type Permissions } from '@opsconductor/auth'

export const permissions = {
  'interfaces:read': { roles: fromRole('viewer'), scope: 'manage:interfaces:read' },
  'interfaces:write': { roles: fromRole('admin'), scope: 'manage:interfaces' },
  'connectors:read': { roles: fromRole('viewer'), scope: 'manage:connectors:read' },
  'connectors:write': { roles: fromRole('admin'), scope: 'manage:connectors' },
  'project-connectors:read': { roles: fromRole('viewer'), scope: 'manage:connectors:read' },
  'project-connectors:write': { roles: fromRole('admin'), scope: 'manage:connectors' },
  'project-connectors:call': { roles: fromRole('operator'), scope: 'manage:project-calls' },
} as const satisfies Permissions
