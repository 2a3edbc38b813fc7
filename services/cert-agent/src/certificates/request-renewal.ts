import { type Caller, callerLabel } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import { assertMayManage } from '../client-limits/assert-may-manage.ts'
import type { Deps } from '../deps.ts'
import type { Asked } from '../operations/start-once.ts'
import type { StoredOperation } from '../operations/store.ts'
import { findCertificate } from './find-certificate.ts'
import { renewCertificate } from './renew-certificate.ts'
import { serversOfCertificate } from './servers-of-certificate.ts'

/** A new version now, whenever the next one was due; it is deployed wherever the certificate is. */
export async function requestRenewal(
  deps: Deps,
  caller: Caller,
  id: string,
  as: Asked = {},
): Promise<StoredOperation> {
  const certificate = await findCertificate(deps, caller, id)
  if (certificate.source === 'import')
    throw new AppError('conflict', 'The certificate was imported; import the next one under the same name.')
  await assertMayManage(deps, caller, await serversOfCertificate(deps, certificate))
  return renewCertificate(deps, certificate, { actor: callerLabel(caller), ...as })
}
