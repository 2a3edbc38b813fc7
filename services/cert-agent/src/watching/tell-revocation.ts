import type { Deps } from '../deps.ts'
import { notify } from '../notifications/notify.ts'
import type { StoredOperation } from '../operations/store.ts'

/** A certificate that should be trusted by nobody still is: whoever asked for it may have gone since. */
export async function tellRevocationFailed(
  deps: Pick<Deps, 'certificates' | 'notifications'>,
  { id, projectId, certificateId }: StoredOperation,
  { code, message }: { code: string; message: string },
): Promise<void> {
  const certificate = certificateId === null ? undefined : await deps.certificates.findById(certificateId)
  if (certificate === undefined) return
  const { name, version } = certificate
  const kind = 'certificate_revocation_failed'
  await notify(deps, {
    ...{ projectId, kind, key: `${kind}:${certificate.id}:failed:${id}` },
    title: `The certificate ${name} could not be revoked`,
    text: `The certificate ${name} could not be revoked, and is not tried again: ${message.slice(0, 500)}`,
    facts: { certificate_id: certificate.id, certificate: name, version, operation_id: id, code },
  })
}
