import { type Caller, callerLabel } from '@opsconductor/auth'
import { assertMayManage } from '../client-limits/assert-may-manage.ts'
import type { Deps } from '../deps.ts'
import { requestCancel } from '../operations/cancel-operation.ts'
import { findCertificate } from './find-certificate.ts'

/** What is on servers stays there; what is under way for it is stopped. Its key stays with the broker, for whoever may delete it. */
export async function deleteCertificate(deps: Deps, caller: Caller, id: string): Promise<void> {
  const { projectId, name, credentialId } = await findCertificate(deps, caller, id)
  const deployments = await deps.deployments.listOfCertificate(id)
  await assertMayManage(
    deps,
    caller,
    deployments.map(({ serverId }) => serverId),
  )
  const open = await deps.operations.listOpen(id)
  await deps.certificates.remove(id)
  await deps.audit.record({
    ...{ projectId, actor: callerLabel(caller), action: 'certificate.delete', outcome: 'succeeded' },
    detail: { certificate_id: id, name, credential_id: credentialId },
  })
  // One that is not reached now finds nothing to do any more.
  for (const operation of open) await requestCancel(deps, operation).catch(() => {})
}
