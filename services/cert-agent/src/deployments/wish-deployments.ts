import type { StoredCertificate } from '../certificates/store.ts'
import type { OperationDeps } from '../operations/operation-deps.ts'
import { startOperation } from '../operations/start-operation.ts'
import type { NewOperation, StoredOperation } from '../operations/store.ts'
import { wakeOperations } from '../operations/wake-operations.ts'

interface Wisher extends Pick<NewOperation, 'id' | 'asked' | 'batchId'> {
  actor: string
  serverIds: readonly string[]
}

/**
 * Starts the operation that puts the certificate's newest version on the servers and sees to it until it is live. It takes
 * the place of operations that were at it; these end.
 */
export async function wishDeployments(
  deps: OperationDeps,
  { id: certificateId, projectId, version }: StoredCertificate,
  { actor, serverIds, ...as }: Wisher,
): Promise<StoredOperation> {
  const before = await deps.deployments.listOfCertificate(certificateId)
  const operation = await startOperation(
    deps,
    {
      ...{ projectId, kind: 'deploy', actor, certificateId, ...as },
      ...(serverIds.length === 1 ? { serverId: serverIds[0] } : {}),
      request: { version, server_ids: [...serverIds] },
    },
    (tx, operationId) => deps.deployments.wish(tx, { certificateId, operationId }, serverIds),
  )
  const replaced = before.filter(({ serverId }) => serverIds.includes(serverId))
  await wakeOperations(deps, new Set(replaced.flatMap(({ operationId }) => operationId ?? [])))
  return operation
}
