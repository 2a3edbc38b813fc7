import { fromRole, type Permissions } from '@opsconductor/auth'

/** Who may do what here. Whoever may write servers decides where private keys are put. */
export const permissions = {
  'servers.write': { roles: fromRole('admin'), scope: 'manage:servers' },
  'servers.read': { roles: fromRole('viewer'), scope: 'manage:servers:read' },
  /** What an API key may manage is never a key's to say. */
  'client-limits.read': { roles: fromRole('admin'), scope: null },
  'client-limits.write': { roles: fromRole('admin'), scope: null },
  'certificates.write': { roles: fromRole('admin'), scope: 'manage:certificates' },
  'certificates.operate': { roles: fromRole('operator'), scope: 'manage:certificates' },
  'certificates.read': { roles: fromRole('viewer'), scope: 'manage:certificates:read' },
  /** A private key leaves the platform; no other scope implies it, but `manage:*`, which names everything. */
  'certificates.export-key': { roles: fromRole('owner'), scope: 'manage:certificate-keys' },
  'certificates.audit': { roles: fromRole('admin'), scope: 'manage:certificates:read' },
} satisfies Permissions
