import type { CaBundle, ListedCaBundle, TrustedHostKey } from '@opsconductor/contracts'
import type { CaBundleRecord, HostKeyRecord, ListedCaBundleRecord } from './store.ts'

export const hostKeyToWire = (record: HostKeyRecord): TrustedHostKey => ({
  id: record.id,
  project_id: record.projectId,
  host: record.host,
  port: record.port,
  key_type: record.keyType,
  public_key: record.publicKey,
  fingerprint: record.fingerprint,
  comment: record.comment,
  revoked: record.revoked,
  created_by: record.createdBy,
  created_at: record.createdAt.toISOString(),
  updated_at: record.updatedAt.toISOString(),
})

export const listedCaBundleToWire = (record: ListedCaBundleRecord): ListedCaBundle => ({
  id: record.id,
  project_id: record.projectId,
  name: record.name,
  certificate_count: record.certificateCount,
  expires_at: record.expiresAt.toISOString(),
  created_by: record.createdBy,
  created_at: record.createdAt.toISOString(),
  updated_at: record.updatedAt.toISOString(),
})

export const caBundleToWire = (record: CaBundleRecord): CaBundle => ({
  ...listedCaBundleToWire(record),
  certificates: record.certificates,
})
