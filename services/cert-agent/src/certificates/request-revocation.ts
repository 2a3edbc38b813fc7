import { type Caller, callerLabel } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import { assertMayManage } from '../client-limits/assert-may-manage.ts'
import type { Deps } from '../deps.ts'
import type { Asked } from '../operations/start-once.ts'
import { startOperation } from '../operations/start-operation.ts'
import type { StoredOperation } from '../operations/store.ts'
import { findCertificate } from './find-certificate.ts'

/** The newest version is revoked at the CA. */
export async function requestRevocation(
  deps: Deps,
  caller: Caller,
  id: string,
  reason: string,
  as: Asked = {},
): Promise<StoredOperation> {
  const certificate = await findCertificate(deps, caller, id)
  const { projectId, version, source } = certificate
  if (source === 'import')
    throw new AppError('conflict', 'The certificate was imported; it is revoked where it was issued.')
  if (version === 0) throw new AppError('conflict', 'The certificate has not been issued yet.')
  if (certificate.state === 'revoked') throw new AppError('conflict', 'The certificate is revoked already.')
  await assertMayManage(deps, caller, await deps.deployments.serversNaming(id))
  const of = { projectId, kind: 'revoke', actor: callerLabel(caller), certificateId: id, ...as } as const
  return startOperation(deps, { ...of, request: { version, reason } })
}
