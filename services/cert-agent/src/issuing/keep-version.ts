import { randomUUID } from 'node:crypto'
import { keepCredentialEndpoint } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { SecretValue } from '@opsconductor/redact'
import { describeVersion } from '../certificates/describe-version.ts'
import type { StoredCertificate } from '../certificates/store.ts'
import type { Deps } from '../deps.ts'
import type { Issued } from './check-issued.ts'
import { type KeyWork, keyCredentialIdOf } from './key-of-version.ts'

/** The key and the certificate at the broker, then the row: where it stopped between them the order is found again. */
export async function keepVersion(
  deps: Pick<Deps, 'internal' | 'certificates' | 'audit'>,
  certificate: StoredCertificate,
  { certificate: pem, chain, key }: Issued & { key: SecretValue },
  work: KeyWork,
): Promise<number> {
  const { id, projectId, name, acmeAccountId } = certificate
  const described = describeVersion(pem, chain)
  const newest = await deps.certificates.findVersion(id, certificate.version)
  if (newest?.fingerprintSha256 === described.fingerprintSha256) return newest.version
  const keep = async (credentialId: string): Promise<string> => {
    const kept = {
      ...{ project_id: projectId, operation_id: work.operationId, credential_id: credentialId },
      ...{ name: `certificate ${name} (${id.slice(0, 8)})`, type: 'x509' as const },
      secret: { private_key: key.reveal() },
      extra: { certificate: pem, ...(chain === '' ? {} : { certificate_chain: chain }) },
    }
    await deps.internal.call(keepCredentialEndpoint, kept, { signal: work.signal })
    return credentialId
  }
  const credentialId = await keep(keyCredentialIdOf(certificate)).catch((error: unknown) => {
    // Somebody has deleted it there.
    if (error instanceof AppError && error.code === 'not_found') return keep(randomUUID())
    throw error
  })
  const { version } = await deps.certificates.addVersion(
    { id, credentialId },
    { ...described, acmeAccountId },
  )
  await deps.audit.record({
    ...auditOf(certificate, work),
    outcome: 'succeeded',
    detail: { names: described.names, serial: described.serial, version },
  })
  return version
}

export const auditOf = (
  { id, projectId }: StoredCertificate,
  { actor, operationId }: Pick<KeyWork, 'actor' | 'operationId'>,
) => ({ projectId, actor, action: 'acme.issue', operationId, certificateId: id })
