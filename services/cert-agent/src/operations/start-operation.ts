import { temporalUnavailable } from '@opsconductor/temporal'
import type { Prisma } from '../generated/client.ts'
import type { OperationDeps } from './operation-deps.ts'
import { startWorkflow } from './start-workflow.ts'
import type { NewOperation, StoredOperation } from './store.ts'

/**
 * Writes the operation down and starts its workflow. While Temporal is away it stays queued, and is started when Temporal
 * is back. `prepare` writes what the operation is about: with it, or not at all.
 */
export async function startOperation(
  deps: OperationDeps,
  operation: NewOperation,
  prepare: (tx: Prisma.TransactionClient, operationId: string) => Promise<unknown> = async () => {},
): Promise<StoredOperation> {
  const { projectId, actor, kind, certificateId, serverId } = operation
  const started = await deps.operations.insert(operation, 'queued', async (tx, operationId) => {
    await prepare(tx, operationId)
    await deps.audit.record(
      {
        ...{ projectId, actor, certificateId, serverId },
        ...{ action: 'operation.start', outcome: 'succeeded', operationId, detail: { kind } },
      },
      tx,
    )
  })
  await startWorkflow(deps, started).catch((error: unknown) => {
    deps.events.operationNotStarted(started, temporalUnavailable(error) ?? error)
  })
  return started
}
