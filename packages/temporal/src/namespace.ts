import { type Connection, isGrpcServiceError } from '@temporalio/client'
import { msToTs } from '@temporalio/common/lib/time.js'
import { temporalUnavailable } from './unavailable.ts'

const alreadyExists = 6
const registerMs = 10_000
/** How long Temporal keeps the history of a closed workflow; the run's row stays in our own database. */
const retentionMs = 7 * 24 * 3600 * 1000

/** Makes the namespace where it does not exist yet. Throws `service_unavailable` while Temporal is away. */
export async function ensureNamespace(connection: Connection, namespace: string): Promise<void> {
  try {
    await connection.withDeadline(Date.now() + registerMs, () =>
      connection.workflowService.registerNamespace({
        namespace,
        description: 'An OpsConductor project',
        workflowExecutionRetentionPeriod: msToTs(retentionMs),
      }),
    )
  } catch (error) {
    if (isGrpcServiceError(error) && error.code === alreadyExists) return
    throw temporalUnavailable(error) ?? error
  }
}
