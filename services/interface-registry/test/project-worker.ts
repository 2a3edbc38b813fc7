import { fileURLToPath } from 'node:url'
import { namespaceOf, runJobWorkflow } from '@opsconductor/contracts'
import { connectWorkers, loadWorkflowBundle } from '@opsconductor/temporal/worker'
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker'

export interface ProjectWorker {
  /** Every execution of the activity `effect`, by the name given. */
  effects: string[]
  stop(): Promise<void>
}

const logger = new DefaultLogger('ERROR')
let installed = false

/** A worker that serves the test workflows in a project's namespace. */
export async function startProjectWorker(address: string, projectId: string): Promise<ProjectWorker> {
  if (!installed) Runtime.install({ logger, shutdownSignals: [] })
  installed = true
  const effects: string[] = []
  const connection = await connectWorkers({ address })
  const worker = await Worker.create({
    connection,
    namespace: namespaceOf(projectId),
    taskQueue: runJobWorkflow.taskQueue,
    workflowBundle: await loadWorkflowBundle({
      workflowsPath: fileURLToPath(new URL('./workflows.ts', import.meta.url)),
      logger,
    }),
    activities: {
      async effect(name: string) {
        effects.push(name)
      },
    },
  })
  const running = worker.run()
  return {
    effects,
    async stop() {
      worker.shutdown()
      await running
      await connection.close()
    },
  }
}
