import { randomUUID } from 'node:crypto'
import { type Caller, callerLabel, projectOf } from '@opsconductor/auth'
import type { IssueCertificate } from '@opsconductor/contracts'
import { invalidField } from '@opsconductor/errors'
import type { z } from 'zod'
import { assertMayManage } from '../client-limits/assert-may-manage.ts'
import { serversOfWish } from '../client-limits/servers-of-wish.ts'
import type { Deps } from '../deps.ts'
import type { OperationDeps } from '../operations/operation-deps.ts'
import type { Asked } from '../operations/start-once.ts'
import { startOperation } from '../operations/start-operation.ts'
import type { StoredOperation } from '../operations/store.ts'
import { assertCoversVhosts } from '../vhosts/assert-covers-vhosts.ts'
import { checkWish } from './check-wish.ts'
import type { NewCertificate } from './store.ts'

type Request = z.infer<typeof IssueCertificate>

/** Writes the certificate down as it is wished, and starts the operation that has it issued. */
export async function requestCertificate(
  deps: OperationDeps & Pick<Deps, 'clientLimits' | 'vhosts'>,
  caller: Caller,
  request: Request,
  as: Asked = {},
): Promise<StoredOperation> {
  const projectId = projectOf(caller)
  const acmeAccountId = request.acme_account_id ?? (await deps.certificates.findDefaultAccount(projectId))
  if (acmeAccountId === undefined) throw noAccount()
  await checkWish(deps, projectId, {
    ...{ names: request.names, challenges: request.challenges, acmeAccountId },
    ...{ keyMadeOn: request.key_made_on, vhostIds: request.vhost_ids },
  })
  await assertMayManage(deps, caller, await serversOf(deps, request))
  await assertCoversVhosts(deps, request.names, request.vhost_ids)
  const actor = callerLabel(caller)
  const id = randomUUID()
  const certificate: NewCertificate = {
    ...{ id, projectId, name: request.name, names: request.names, source: 'acme', acmeAccountId },
    ...{ keyType: request.key_type, keyMadeOn: request.key_made_on, profile: request.profile },
    ...{ challenges: request.challenges, autoRenew: request.auto_renew, rotateKey: request.rotate_key },
    createdBy: actor,
  }
  return startOperation(
    deps,
    { projectId, kind: 'issue', actor, certificateId: id, request: { from_version: 0 }, ...as },
    (tx) => deps.certificates.insert(certificate, request.vhost_ids, tx),
  )
}

const noAccount = () => invalidField('body.acme_account_id', 'is needed: the project has no default account')

async function serversOf(
  { certificates }: Pick<Deps, 'certificates'>,
  { vhost_ids, key_made_on, challenges }: Request,
): Promise<string[]> {
  return [...(await certificates.serversOfVhosts(vhost_ids)), ...serversOfWish(challenges, key_made_on)]
}
