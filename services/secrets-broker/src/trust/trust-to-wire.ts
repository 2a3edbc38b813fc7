import type { CaBundle, ListedCaBundle, SeenHostKey, TrustedHostKey } from '@opsconductor/contracts'
import type { SeenHostKeyRecord } from './seen-host-key-store.ts'
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
  is_authority: record.isAuthority,
  created_by: record.createdBy,
  created_at: record.createdAt.toISOString(),
  updated_at: record.updatedAt.toISOString(),
})

export const seenHostKeyToWire = (record: SeenHostKeyRecord): SeenHostKey => ({
  id: record.id,
  project_id: record.projectId,
  host: record.host,
  port: record.port,
  key_type: record.keyType,
  public_key: record.publicKey,
  fingerprint: record.fingerprint,
  changed: record.changed,
  times_seen: record.timesSeen,
  first_seen_at: record.createdAt.toISOString(),
  last_seen_at: record.lastSeenAt.toISOString(),
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
