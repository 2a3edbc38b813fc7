import type { Credential } from '@opsconductor/contracts'
import type { CredentialRecord } from './store.ts'

export const credentialToWire = (record: CredentialRecord): Credential => ({
  id: record.id,
  project_id: record.projectId,
  name: record.name,
  type: record.type,
  description: record.description,
  extra: record.extra as Credential['extra'],
  is_active: record.isActive,
  created_at: record.createdAt.toISOString(),
  updated_at: record.updatedAt.toISOString(),
})
