import { fileURLToPath } from 'node:url'
import { type NativeConnection, Worker } from '@temporalio/worker'
import { createAskGrant } from './ask-grant.ts'

/** A worker of a project that calls others: in the project's own namespace, on a task queue of its own. */
export const createCallingWorker = (options: {
  connection: NativeConnection
  projectId: string
  gatewayUrl: string
  apiKey: string
}): Promise<Worker> =>
  Worker.create({
    connection: options.connection,
    namespace: `project-${options.projectId}`,
    taskQueue: 'orders',
    workflowsPath: fileURLToPath(new URL('./order.workflow.ts', import.meta.url)),
    activities: { askGrant: createAskGrant(options) },
  })
