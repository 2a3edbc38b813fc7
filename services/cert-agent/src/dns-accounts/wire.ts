import type { DnsAccount } from '@opsconductor/contracts'
import type { StoredDnsAccount } from './store.ts'

export const toDnsAccountWire = (account: StoredDnsAccount): DnsAccount => ({
  id: account.id,
  project_id: account.projectId,
  name: account.name,
  provider: account.provider,
  settings: account.settings as DnsAccount['settings'],
  credential_id: account.credentialId,
  created_by: account.createdBy,
  created_at: account.createdAt.toISOString(),
  updated_at: account.updatedAt.toISOString(),
})
