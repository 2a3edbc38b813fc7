import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { ensureNamespace } from '@opsconductor/temporal'
import { testTemporalAddress } from '@opsconductor/test-peers'
import { ApplicationFailure } from '@temporalio/client'
import { DefaultLogger, NativeConnection, Runtime, type Worker } from '@temporalio/worker'
import { startWorld, type World } from '../../../services/interface-registry/test/project-connectors/world.ts'
import { createCallingWorker } from '../calls/worker.ts'
import { stockWorkflowId } from '../serves/stock-service.ts'
import { createServingWorker } from '../serves/worker.ts'

let world: World
let connection: NativeConnection
const running: { worker: Worker; ended: Promise<void> }[] = []
let sourceId: string
let targetId: string
let connectorId: string

function run(worker: Worker): void {
  running.push({ worker, ended: worker.run() })
}

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] })
  world = await startWorld()
  const pair = await world.createPair()
  sourceId = pair.sourceId
  targetId = pair.targetId
  const created = await pair.create({ auth_config: { task_queue: 'stock' } })
  connectorId = created.body.id
  while (((await pair.get(connectorId)).body as { state?: string }).state !== 'ready') await delay(20)
  await ensureNamespace(world.temporal.connection, `project-${sourceId}`)
  connection = await NativeConnection.connect({ address: testTemporalAddress() })
  const gatewayUrl = world.harness.publicUrl
  const apiKey = world.harness.keys.createKey({ projectId: sourceId, scopes: ['manage:project-calls'] })
  run(await createServingWorker({ connection, projectId: targetId, gatewayUrl }))
  run(await createCallingWorker({ connection, projectId: sourceId, gatewayUrl, apiKey: await apiKey }))
  const { workflow } = world.temporal.clientFor(`project-${targetId}`)
  await workflow.start('stock', { taskQueue: 'stock', workflowId: stockWorkflowId })
  await workflow.getHandle(stockWorkflowId).signal('fill', { article: 'bolt', count: 10 })
}, 90_000)
afterAll(async () => {
  await world?.temporal.clientFor(`project-${targetId}`).workflow.getHandle(stockWorkflowId).terminate()
  for (const { worker } of running) worker.shutdown()
  await Promise.all(running.map(({ ended }) => ended))
  await connection?.close()
  await world?.stop()
}, 30_000)

const order = (input: { article: string; count: number }, connector = connectorId) =>
  world.temporal.clientFor(`project-${sourceId}`).workflow.execute('order', {
    taskQueue: 'orders',
    workflowId: randomUUID(),
    args: [connector, input],
  })

/** Why a workflow failed, from the innermost of its causes. */
async function reasonOf(ordered: Promise<unknown>): Promise<unknown> {
  let error: unknown = await ordered.catch((thrown: unknown) => thrown)
  while (error instanceof Error && error.cause instanceof Error) error = error.cause
  return error instanceof ApplicationFailure ? [error.type, error.message] : error
}

test("a project's own worker calls another project, whose own worker serves the call", async () => {
  expect(await order({ article: 'bolt', count: 3 })).toEqual({ left: 7 })
  expect(await order({ article: 'bolt', count: 2 })).toEqual({ left: 5 })
}, 30_000)

test('what the target refuses reaches the caller with its reason, at once', async () => {
  expect(await reasonOf(order({ article: 'nut', count: 1 }))).toEqual(['sold_out', 'Not enough nut.'])
}, 30_000)

test('a connector that is not for the project gives no grant, so that nothing is called', async () => {
  expect(await reasonOf(order({ article: 'bolt', count: 1 }, randomUUID()))).toEqual([
    'not_found',
    'There is no such project connector.',
  ])
}, 30_000)
