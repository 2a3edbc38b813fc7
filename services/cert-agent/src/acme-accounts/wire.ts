import type { AcmeAccount } from '@opsconductor/contracts'
import type { StoredAcmeAccount } from './store.ts'

export const accountToWire = (account: StoredAcmeAccount): AcmeAccount => ({
  id: account.id,
  project_id: account.projectId,
  name: account.name,
  directory_url: account.directoryUrl,
  staging_directory_url: account.stagingDirectoryUrl,
  contact_email: account.contactEmail,
  preferred_chain: account.preferredChain,
  credential_id: account.credentialId,
  is_default: account.isDefault,
  blocked_until: account.blockedUntil?.toISOString() ?? null,
  created_by: account.createdBy,
  created_at: account.createdAt.toISOString(),
  updated_at: account.updatedAt.toISOString(),
})
