import type { OperationDeps } from '../operations/operation-deps.ts'
import { startOperation } from '../operations/start-operation.ts'
import type { NewOperation, StoredOperation } from '../operations/store.ts'
import { wakeOperations } from '../operations/wake-operations.ts'
import type { StoredCertificate } from './store.ts'

/** Starts a renewal, or lets the one that is under way try again at once. */
export async function renewCertificate(
  deps: OperationDeps,
  { id: certificateId, projectId, version }: StoredCertificate,
  { actor, ...as }: { actor: string } & Pick<NewOperation, 'id' | 'asked' | 'batchId'>,
): Promise<StoredOperation> {
  const open = await deps.operations.findOpen(certificateId, ['issue', 'renew'])
  if (open !== undefined && as.batchId === undefined) {
    await wakeOperations(deps, [open.id])
    return open
  }
  return startOperation(deps, {
    ...{ projectId, actor, certificateId, ...as },
    kind: version === 0 ? 'issue' : 'renew',
    request: { from_version: version },
  })
}
