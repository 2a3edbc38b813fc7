import { type RevocationReason, revokeVersion } from '../issuing/revoke-version.ts'
import { bySchedule } from '../operations/by-schedule.ts'
import { requestCancel } from '../operations/cancel-operation.ts'
import type { Performer } from '../operations/performer.ts'
import { unknownCertificate } from './find-certificate.ts'

/** It is not renewed by itself any more; what is deployed stays until something else is. */
export const performRevocation: Performer = async (deps, operation, signal) => {
  const { id: operationId, certificateId, actor } = operation
  if (certificateId === null) throw unknownCertificate()
  const { version, reason } = operation.request as { version: number; reason: RevocationReason }
  return deps.leases.withLease(`certificate:${certificateId}`, signal, async (held) => {
    await revokeVersion(deps, { operationId, certificateId, actor, version, reason, signal: held })
    const certificate = await deps.certificates.findById(certificateId)
    if (certificate?.version !== version) return { version, reason }
    await deps.certificates.setState(certificateId, { state: 'revoked', renewAt: null })
    const renewal = await deps.operations.findOpen(certificateId, ['renew'])
    if (renewal?.actor === bySchedule) await requestCancel(deps, renewal)
    return { version, reason }
  })
}
