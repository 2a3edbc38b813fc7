import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { callService, namespaceOf } from '@opsconductor/contracts'
import { ensureNamespace, type Temporal } from '@opsconductor/temporal'
import { connectWorkers, loadWorkflowBundle } from '@opsconductor/temporal/worker'
import { type ApiKeyPeer, testTemporalAddress } from '@opsconductor/test-peers'
import { DefaultLogger, Worker } from '@temporalio/worker'
import { callerAt } from '../support/executor.ts'
import type { Connector, GrantsPeer } from './grants-peer.ts'

const workflowsPath = fileURLToPath(new URL('./workflows/ledger.ts', import.meta.url))

/** The worker of a project's own users. */
export async function startUserWorker(projectId: string) {
  const connection = await connectWorkers({ address: testTemporalAddress() })
  const logger = new DefaultLogger('ERROR')
  const worker = await Worker.create({
    connection,
    namespace: namespaceOf(projectId),
    taskQueue: 'ledgers',
    workflowBundle: await loadWorkflowBundle({ workflowsPath, logger }),
  })
  const running = worker.run()
  return async () => {
    worker.shutdown()
    await running
    await connection.close()
  }
}

/** A long-lived workflow of the project's own, and the user's worker that runs it. */
async function startLedger(temporal: Temporal, projectId: string) {
  const stopWorker = await startUserWorker(projectId)
  const client = temporal.clientFor(namespaceOf(projectId))
  const workflowId = `ledger-${randomUUID()}`
  const handle = await client.workflow.start('ledger', { taskQueue: 'ledgers', workflowId })
  return {
    workflowId,
    handle,
    async stop() {
      await handle.terminate().catch(() => {})
      await stopWorker()
    },
  }
}

/** The project that calls, and the executor that serves both. */
interface CallingProject {
  projectId: string
  apiKey: ApiKeyPeer
  publicUrl: string
  temporal: Temporal
}

/** A second project beside the executor's own, with a long-lived workflow, and connectors to what it has. */
export async function joinTargetProject(executor: CallingProject, grants: GrantsPeer) {
  const targetId = randomUUID()
  const { token } = await executor.apiKey.createUser({ role: 'admin', projectId: targetId })
  const { temporal } = executor
  const { operatorService } = temporal.connection
  await ensureNamespace(temporal.connection, namespaceOf(targetId))
  const ledger = await startLedger(temporal, targetId)
  const endpoints: Parameters<typeof operatorService.deleteNexusEndpoint>[0][] = []
  const callTarget = callerAt(executor.publicUrl, token)

  async function addConnector(
    fields: Partial<Connector>,
    options: { endpoint?: boolean; taskQueue?: string } = {},
  ) {
    const id = fields.connector_id ?? randomUUID()
    const connector: Connector = {
      connector_id: id,
      connector: `connector-${id.slice(0, 8)}`,
      source_project_id: executor.projectId,
      target_project_id: targetId,
      nexus_endpoint_name: `oc-${id}`,
      nexus_service_name: callService.name,
      call_seconds_max: 30,
      interface_id: randomUUID(),
      interface_type: 'update',
      callable_name: 'add',
      input_schema: null,
      output_schema: null,
      workflow: {
        kind: 'workflow',
        job_id: null,
        job_version: null,
        workflow_type: 'ledger',
        task_queue: 'ledgers',
        workflow_id: ledger.workflowId,
      },
      ...fields,
    }
    grants.connectors.set(id, connector)
    if (options.endpoint !== false) {
      const { endpoint } = await operatorService.createNexusEndpoint({
        spec: {
          name: connector.nexus_endpoint_name,
          target: {
            worker: {
              namespace: namespaceOf(connector.target_project_id),
              taskQueue: options.taskQueue ?? callService.taskQueue,
            },
          },
        },
      })
      endpoints.push({ id: endpoint?.id ?? null, version: endpoint?.version ?? null })
    }
    return connector
  }

  return {
    targetId,
    callTarget,
    ledger,
    addConnector,
    /** A connector to a job of the target project, made now. */
    async addJobConnector(definition: Record<string, unknown>, fields: Partial<Connector> = {}) {
      const created = await callTarget('POST', '/api/jobs', { name: `job ${randomUUID()}`, ...definition })
      if (created.status !== 201) throw new Error(JSON.stringify(created.body))
      const workflow = {
        kind: 'job' as const,
        job_id: created.body.id as string,
        job_version: 1,
        workflow_type: 'runJob',
        task_queue: callService.taskQueue,
        workflow_id: null,
      }
      return await addConnector({ callable_name: 'run', workflow, ...fields })
    },
    async stop() {
      await ledger.stop()
      for (const endpoint of endpoints) await operatorService.deleteNexusEndpoint(endpoint).catch(() => {})
    },
  }
}
