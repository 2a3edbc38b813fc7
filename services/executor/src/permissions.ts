import { fromRole, type Permissions } from '@opsconductor/auth'

/** Who may do what here. Jobs decide what runs on a project's credentials, so only admins write them. */
export const permissions = {
  'jobs.write': { roles: fromRole('admin'), scope: 'manage:jobs' },
  'jobs.read': { roles: fromRole('viewer'), scope: 'manage:jobs:read' },
  'runs.write': { roles: fromRole('operator'), scope: 'manage:runs' },
  'runs.read': { roles: fromRole('viewer'), scope: 'manage:runs:read' },
  'step-types.read': { roles: fromRole('viewer'), scope: 'manage:jobs:read' },
  'bastions.write': { roles: fromRole('admin'), scope: 'manage:bastions' },
  'bastions.read': { roles: fromRole('viewer'), scope: 'manage:bastions:read' },
  'mibs.write': { roles: fromRole('admin'), scope: 'manage:mibs' },
  'mibs.read': { roles: fromRole('viewer'), scope: 'manage:mibs:read' },
  'connector-calls.read': { roles: fromRole('viewer'), scope: 'manage:connectors:read' },
  'outbound-policy.write': { roles: fromRole('admin'), scope: 'manage:outbound-policy' },
  'outbound-policy.read': { roles: fromRole('operator'), scope: 'manage:outbound-policy:read' },
  'webhook-endpoints.write': { roles: fromRole('operator'), scope: 'manage:runs' },
  'webhook-endpoints.read': { roles: fromRole('viewer'), scope: 'manage:runs:read' },
} satisfies Permissions
