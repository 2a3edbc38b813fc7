import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { createBackground } from '../../src/background.ts'
import { createDeps } from '../../src/deps.ts'
import { startOperation } from '../../src/operations/start-operation.ts'
import * as operationWorker from '../../src/worker/operation-worker.ts'
import { createWorkerOnDemand } from '../../src/worker/worker-on-demand.ts'
import { type AgentUnderTest, startAgent } from '../support/agent.ts'
import { untilOperation } from './support.ts'

let agent: AgentUnderTest
const closers: (() => Promise<void>)[] = []
beforeAll(async () => {
  agent = await startAgent({ isIdle: true })
})
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})
afterAll(() => agent?.stop())

/** What goes on by itself in another process on the same database, and how often its worker was loaded. */
async function startProcess() {
  const loads: string[] = []
  const deps = createDeps(agent.deps.config, { log: agent.deps.log })
  await deps.prisma.$connect()
  const background = createBackground(deps, undefined, async () => {
    loads.push('loaded')
    return operationWorker
  })
  background.start()
  closers.push(async () => {
    await background.stop()
    await deps.dispose()
  })
  return { deps, loads }
}

/** A batch of nothing, of which nobody was told: as who dies after writing the row leaves it. */
async function leaveBehind(): Promise<string> {
  const { rows } = await agent.owner.query(
    `INSERT INTO cert_agent.operations (project_id, kind, actor, request, created_at)
     VALUES ($1, 'batch', 'test', '{"certificate_ids": []}', now() - interval '1 minute') RETURNING id`,
    [agent.projectId],
  )
  return rows[0].id
}
const untilEnded = (id: string) =>
  untilOperation(agent.call, id, ({ finished_at }) => finished_at !== null).then(({ state }) => state)

test('an operation that was left before the process started is done', async () => {
  const id = await leaveBehind()
  const { loads } = await startProcess()
  expect(await untilEnded(id)).toBe('succeeded')
  expect(loads).toEqual(['loaded'])
})

test('without an operation nothing is loaded; one that another process asks for is heard of, and done', async () => {
  const { deps, loads } = await startProcess()
  await deps.operations.isAnyOpen()
  expect(loads).toEqual([])
  const { id } = await startOperation(agent.deps, {
    ...{ projectId: agent.projectId, kind: 'batch', actor: 'test', request: { certificate_ids: [] } },
  })
  expect(await untilEnded(id)).toBe('succeeded')
  expect(loads).toEqual(['loaded'])
})

test('one whose asker died between its row and its workflow is found by looking, and loads the worker once', async () => {
  const loads: string[] = []
  const onDemand = createWorkerOnDemand(agent.deps, undefined, async () => {
    loads.push('loaded')
    return operationWorker
  })
  await onDemand.startIfNeeded()
  expect(loads).toEqual([])
  const id = await leaveBehind()
  await Promise.all([onDemand.startIfNeeded(), onDemand.startIfNeeded()])
  await onDemand.startIfNeeded()
  expect(loads).toEqual(['loaded'])
  await agent.deps.operations.close(id, { state: 'succeeded', result: {} })
  await onDemand.stop()
})

test('what stops while the worker is being loaded starts nothing, and nothing is loaded after that', async () => {
  const id = await leaveBehind()
  const loads: string[] = []
  let stopped: Promise<void> | undefined
  const onDemand = createWorkerOnDemand(agent.deps, undefined, async () => {
    loads.push('loaded')
    stopped = onDemand.stop()
    return operationWorker
  })
  await onDemand.startIfNeeded()
  await stopped
  await onDemand.startIfNeeded()
  expect(loads).toEqual(['loaded'])
  await agent.deps.operations.close(id, { state: 'succeeded', result: {} })
})
