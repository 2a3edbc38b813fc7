import { type Caller, callerLabel } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import { assertMayManage } from '../client-limits/assert-may-manage.ts'
import { wishDeployments } from '../deployments/wish-deployments.ts'
import type { Deps } from '../deps.ts'
import type { Asked } from '../operations/start-once.ts'
import type { StoredOperation } from '../operations/store.ts'
import { refuse } from './check-wish.ts'
import { findCertificate } from './find-certificate.ts'

/** The newest version, on all servers where a virtual host names the certificate, or on those of them that are given. */
export async function requestDeployment(
  deps: Deps,
  caller: Caller,
  id: string,
  given: readonly string[] | undefined,
  as: Asked = {},
): Promise<StoredOperation> {
  const certificate = await findCertificate(deps, caller, id)
  await assertMayManage(deps, caller, given ?? [])
  const naming = await deps.deployments.serversNaming(id)
  refuse(
    (given ?? []).flatMap((serverId, index) =>
      naming.includes(serverId)
        ? []
        : [{ path: `body.server_ids[${index}]`, message: 'has no virtual host that names the certificate' }],
    ),
  )
  const serverIds = [...new Set(given ?? naming)]
  await assertMayManage(deps, caller, serverIds)
  if (certificate.version === 0)
    throw new AppError('conflict', 'The certificate has not been issued yet; it is deployed when it is.')
  if (serverIds.length === 0)
    throw new AppError('conflict', 'No virtual host names the certificate, so there is nowhere to put it.')
  return wishDeployments(deps, certificate, { actor: callerLabel(caller), serverIds, ...as })
}
