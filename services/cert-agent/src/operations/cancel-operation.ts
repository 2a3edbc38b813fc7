import { type Caller, callerLabel } from '@opsconductor/auth'
import { operationWorkflow, operationWorkflowIdOf } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { temporalUnavailable } from '@opsconductor/temporal'
import { WorkflowNotFoundError } from '@temporalio/client'
import { serversOfCertificate } from '../certificates/servers-of-certificate.ts'
import { assertMayManage } from '../client-limits/assert-may-manage.ts'
import type { Deps } from '../deps.ts'
import { endOperation } from './end-operation.ts'
import { findOperation } from './find-operation.ts'
import type { OperationDeps } from './operation-deps.ts'
import type { OperationKind, StoredOperation } from './store.ts'

const cancelMs = 5_000

/** Done by the request that asked for them, which ends when its client goes away. */
const kindsOfRequests: ReadonlySet<string> = new Set<OperationKind>([
  ...(['import', 'export', 'account', 'check', 'probe'] as const),
])

/** Asks it to stop: what it began on a server is taken back first. One that has ended cannot be cancelled. */
export async function cancelOperation(
  deps: OperationDeps & Pick<Deps, 'clientLimits'>,
  caller: Caller,
  id: string,
): Promise<StoredOperation> {
  const operation = await findOperation(deps, caller, id)
  if (operation.finishedAt !== null) throw new AppError('conflict', 'The operation has ended already.')
  if (kindsOfRequests.has(operation.kind))
    throw new AppError('conflict', 'It is done by the request that asked for it, and is not cancelled.')
  await assertMayManage(deps, caller, await serversOf(deps, operation))
  await requestCancel(deps, operation)
  const { projectId, certificateId, serverId, kind } = operation
  await deps.audit.record({
    ...{ projectId, actor: callerLabel(caller), action: 'operation.cancel', outcome: 'succeeded' },
    ...{ operationId: id, certificateId: certificateId ?? undefined, serverId: serverId ?? undefined },
    detail: { kind },
  })
  return findOperation(deps, caller, id)
}

/** What stopping it has an effect on. */
async function serversOf(
  deps: Pick<OperationDeps, 'certificates' | 'deployments'>,
  { kind, serverId, certificateId, request }: StoredOperation,
): Promise<string[]> {
  const { server_ids: serverIds = [] } = request as { server_ids?: string[] }
  const certificate =
    kind === 'deploy' || certificateId === null ? undefined : await deps.certificates.findById(certificateId)
  return [
    ...(serverId === null ? [] : [serverId]),
    ...serverIds,
    ...(certificate === undefined ? [] : await serversOfCertificate(deps, certificate)),
  ]
}

/** Throws `service_unavailable` while Temporal is away. */
export async function requestCancel(deps: OperationDeps, { id }: Pick<StoredOperation, 'id'>): Promise<void> {
  const handle = deps.temporal
    .clientFor(operationWorkflow.namespace)
    .workflow.getHandle(operationWorkflowIdOf(id))
  const isAsked = await deps.temporal.connection
    .withDeadline(Date.now() + cancelMs, async () => {
      // A workflow that has ended takes the request as well.
      if ((await handle.describe()).status.name !== 'RUNNING') return false
      await handle.cancel()
      return true
    })
    .catch((error) => {
      if (error instanceof WorkflowNotFoundError) return false
      throw temporalUnavailable(error) ?? error
    })
  // It never began, or it has ended meanwhile, which leaves the row as it is.
  if (!isAsked)
    await endOperation(deps, id, {
      state: 'cancelled',
      error: { code: 'run_cancelled', message: 'The operation was cancelled.' },
    })
}
