import { fileURLToPath } from 'node:url'
import { createGrantVerifier } from '@opsconductor/auth'
import { type NativeConnection, Worker } from '@temporalio/worker'
import { createStockService } from './stock-service.ts'

/**
 * A worker of a project that serves calls itself: its task queue is what the project connector's
 * `auth_config.task_queue` names.
 */
export const createServingWorker = ({
  connection,
  projectId,
  gatewayUrl,
}: {
  connection: NativeConnection
  projectId: string
  gatewayUrl: string
}): Promise<Worker> => {
  const verifyGrant = createGrantVerifier(async () => {
    const answer = await fetch(`${gatewayUrl}/api/project-connectors/jwks.json`)
    if (!answer.ok) throw new Error(`the keys that grants are signed with: ${answer.status}`)
    return (await answer.json()) as Awaited<ReturnType<Parameters<typeof createGrantVerifier>[0]>>
  })
  return Worker.create({
    connection,
    namespace: `project-${projectId}`,
    taskQueue: 'stock',
    workflowsPath: fileURLToPath(new URL('./stock.workflow.ts', import.meta.url)),
    nexusServices: [createStockService({ projectId, verifyGrant })],
  })
}
