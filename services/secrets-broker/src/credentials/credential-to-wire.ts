import type { Credential, ListedCredential } from '@opsconductor/contracts'
import { etagOf } from './expected-version.ts'
import type { CredentialRecord, ListedRecord } from './store.ts'
import type { VersionRecord } from './version-store.ts'

const dayMs = 86_400_000

export const listedCredentialToWire = (record: ListedRecord): ListedCredential => ({
  id: record.id,
  project_id: record.projectId,
  name: record.name,
  type: record.type,
  description: record.description,
  extra: record.extra as Credential['extra'],
  is_active: record.isActive,
  version: record.version,
  limits: record.limits as Credential['limits'],
  expires_at: toWireTime(record.expiresAt),
  rotate_every_days: record.rotateEveryDays,
  rotated_at: record.rotatedAt.toISOString(),
  rotation_due_at:
    record.rotateEveryDays === null
      ? null
      : new Date(record.rotatedAt.getTime() + record.rotateEveryDays * dayMs).toISOString(),
  certificate:
    record.certificateFormat === null
      ? null
      : {
          certificate_format: record.certificateFormat,
          certificate_expires_at: toWireTime(record.certificateExpiresAt),
        },
  deleted_at: toWireTime(record.deletedAt),
  created_at: record.createdAt.toISOString(),
  updated_at: record.updatedAt.toISOString(),
})

export const credentialToWire = (record: CredentialRecord): Credential => {
  const listed = listedCredentialToWire(record)
  const { certificate, certificateChain } = record
  return {
    ...listed,
    certificate:
      listed.certificate === null || certificate === null
        ? null
        : { ...listed.certificate, certificate, certificate_chain: certificateChain },
  }
}

/** With its version as ETag, for a change with If-Match. */
export const credentialReply = (record: CredentialRecord) => ({
  status: 200,
  headers: { ETag: etagOf(record) },
  body: credentialToWire(record),
})

export const versionToWire = ({ version, createdAt, createdBy, current }: VersionRecord) => ({
  version,
  created_at: createdAt.toISOString(),
  created_by: createdBy,
  current,
})

const toWireTime = (at: Date | null): string | null => at?.toISOString() ?? null
