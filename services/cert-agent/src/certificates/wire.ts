import type { Certificate, CertificateVersion, Deployment, ListedCertificate } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { StoredDeployment } from '../deployments/store.ts'
import type { StoredCertificate, StoredVersion, WholeCertificate } from './store.ts'

const at = (time: Date | null): string | null => time?.toISOString() ?? null

// The columns hold what this service wrote in the shape of the contract.

export const listedToWire = (certificate: StoredCertificate): ListedCertificate => ({
  id: certificate.id,
  project_id: certificate.projectId,
  name: certificate.name,
  names: certificate.names,
  source: certificate.source as ListedCertificate['source'],
  state: certificate.state as ListedCertificate['state'],
  version: certificate.version,
  not_after: at(certificate.notAfter),
  renew_at: at(certificate.renewAt),
  created_by: certificate.createdBy,
  created_at: certificate.createdAt.toISOString(),
  updated_at: certificate.updatedAt.toISOString(),
})

export const certificateToWire = (certificate: WholeCertificate): Certificate => ({
  ...listedToWire(certificate),
  key_type: certificate.keyType,
  key_made_on: certificate.keyMadeOn,
  profile: certificate.profile,
  acme_account_id: certificate.acmeAccountId,
  challenges: certificate.challenges as Certificate['challenges'],
  auto_renew: certificate.autoRenew,
  rotate_key: certificate.rotateKey,
  credential_id: certificate.credentialId,
  renewal_info: certificate.renewalInfo as Certificate['renewal_info'],
  failures: certificate.failures,
  last_error: certificate.lastError as Certificate['last_error'],
  versions: certificate.certificateVersions.map(versionToWire),
  deployments: certificate.deployments.map(deploymentToWire),
})

const versionToWire = (version: StoredVersion): z.infer<typeof CertificateVersion> => ({
  version: version.version,
  serial: version.serial,
  issuer: version.issuer,
  names: version.names,
  fingerprint_sha256: version.fingerprintSha256,
  not_before: version.notBefore.toISOString(),
  not_after: version.notAfter.toISOString(),
  created_at: version.createdAt.toISOString(),
  revoked_at: at(version.revokedAt),
})

const deploymentToWire = (deployment: StoredDeployment): Deployment => ({
  id: deployment.id,
  certificate_id: deployment.certificateId,
  server_id: deployment.serverId,
  desired_version: deployment.desiredVersion,
  live_version: deployment.liveVersion,
  state: deployment.state as Deployment['state'],
  attempts: deployment.attempts,
  retry_at: at(deployment.retryAt),
  last_error: deployment.lastError as Deployment['last_error'],
  created_at: deployment.createdAt.toISOString(),
  updated_at: deployment.updatedAt.toISOString(),
})
