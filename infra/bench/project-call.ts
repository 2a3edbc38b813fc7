import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { namespaceOf, runJobWorkflow } from '@opsconductor/contracts'
import { connectTemporal, type Temporal } from '@opsconductor/temporal'
import { eventually, type GatewayApi, signIn } from '../demo/gateway-api.ts'
import type { Demo } from '../demo/set-up-demo.ts'
import { root } from '../local/layout.ts'
import { adminEmail } from '../local/services.ts'
import type { Stack } from '../local/stack.ts'
import { type Latencies, measureInTurns } from './statistics.ts'

const taskQueue = 'bare-nexus'
const warmUp = { rounds: 1, perRound: 30 }
const inTurns = { rounds: 10, perRound: 10 }
const readyMs = 30_000

interface Made {
  id: string
}

/** A job that calls another project's workflow beside a bare workflow that does so by an own Nexus operation. */
export async function benchProjectCall(
  stack: Stack,
  demo: Demo,
): Promise<{ call: Latencies; bare: Latencies }> {
  const admin = await signIn(stack.backing.kongProxyUrl, adminEmail, stack.keys.adminPassword)
  const target = await admin.send<Made>('POST', '/api/projects', { name: `bench ${randomUUID()}` })
  const temporal = connectTemporal({ address: stack.backing.temporalAddress })
  const connector = await connectProjects(
    admin.inProject(demo.projectId),
    admin.inProject(target.id),
    target.id,
  )
  const job = await admin.inProject(demo.projectId).send<Made>('POST', '/api/jobs', {
    name: `bench ${randomUUID()}`,
    steps: [{ id: 'call', type: 'project.call', input: { connector, input: { by: 1 } } }],
  })
  const stopWorkers = await startBareWorkers(stack, namespaceOf(demo.projectId), namespaceOf(target.id))
  const endpoint = await makeEndpoint(temporal, namespaceOf(target.id))
  const inTarget = temporal.clientFor(namespaceOf(target.id)).workflow
  for (const workflowId of ['counter-ours', 'counter-bare'])
    await inTarget.start('counter', { taskQueue, workflowId })
  const { workflow } = temporal.clientFor(namespaceOf(demo.projectId))
  const execute = (type: string, queue: string, args: unknown[]) => () =>
    workflow.execute(type, { taskQueue: queue, workflowId: randomUUID(), args })
  const callBare = execute('bareCall', taskQueue, [endpoint.name, { by: 1 }])
  const call = execute(runJobWorkflow.type, runJobWorkflow.taskQueue, [{ job: job.id }])
  try {
    await measureInTurns(warmUp.rounds, warmUp.perRound, callBare, call)
    const [bare, ours] = await measureInTurns(inTurns.rounds, inTurns.perRound, callBare, call)
    return { bare, call: ours }
  } finally {
    for (const workflowId of ['counter-ours', 'counter-bare'])
      await inTarget.getHandle(workflowId).terminate()
    await endpoint.remove()
    await stopWorkers()
    await temporal.close()
  }
}

/** The id of a connector by which the demo project calls `counter-ours`. */
async function connectProjects(source: GatewayApi, target: GatewayApi, targetId: string): Promise<string> {
  const exposed = await target.send<Made>('POST', '/api/workflows', {
    ...{ name: 'counter', workflow_type: 'counter', task_queue: taskQueue, workflow_id: 'counter-ours' },
  })
  const callable = await target.send<Made>('POST', `/api/workflows/${exposed.id}/interfaces`, {
    ...{ name: 'add', interface_type: 'update', callable_name: 'add' },
    input_schema: { type: 'object', properties: { by: { type: 'number' } }, required: ['by'] },
  })
  const { id } = await source.send<Made>('POST', '/api/project-connectors', {
    ...{ name: `bench-${randomUUID().slice(0, 8)}`, target_project_id: targetId },
    ...{ target_service_id: exposed.id, target_interface_id: callable.id },
  })
  await eventually(
    'the Nexus endpoint',
    async () =>
      (await source.get<{ state: string }>(`/api/project-connectors/${id}`)).state === 'ready' || undefined,
    readyMs,
  )
  return id
}

async function makeEndpoint({ connection }: Temporal, namespace: string) {
  const name = `bench-${randomUUID()}`
  const { endpoint } = await connection.operatorService.createNexusEndpoint({
    spec: { name, target: { worker: { namespace, taskQueue } } },
  })
  return {
    name,
    remove: () =>
      connection.operatorService.deleteNexusEndpoint({
        id: endpoint?.id ?? null,
        version: endpoint?.version ?? null,
      }),
  }
}

async function startBareWorkers({ backing }: Stack, source: string, target: string) {
  const workers = spawn(
    process.execPath,
    [fileURLToPath(new URL('./bare-nexus-worker.ts', import.meta.url))],
    {
      cwd: root,
      env: {
        ...process.env,
        ...{ TEMPORAL_ADDRESS: backing.temporalAddress, DATABASE_URL: backing.databaseUrl },
        ...{ SOURCE: source, TARGET: target },
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  await once(workers.stdout, 'data')
  return async () => {
    workers.kill('SIGTERM')
    await once(workers, 'exit')
  }
}
