import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { namespaceOf } from '@opsconductor/contracts'
import { retireNamespace } from '@opsconductor/temporal'
import { startTwoProjects, type TwoProjects } from '../project-calls/two-projects.ts'

let world: TwoProjects
beforeAll(async () => {
  world = await startTwoProjects({ environment: { WORKER_IDLE_SECONDS: '1' } })
}, 60_000)
afterAll(() => world?.stop())

const serves = (projectId: string) => world.executor.deps.workers.serves(projectId)

test('a call wakes the project that is called, whose worker came to rest', async () => {
  const { connector } = await world.addJobConnector({
    steps: [{ id: 'say', type: 'set', input: { values: { said: true } } }],
  })
  const call = () => world.runStep('project.call', { connector, input: {} })
  expect(await call()).toMatchObject({ status: 'succeeded' })
  while (serves(world.targetId)) await delay(5)
  expect(await call()).toMatchObject({ status: 'succeeded' })
}, 120_000)

test('deleting a project with a call in flight: the call fails with a clear error, a later one too, and none hangs', async () => {
  const { connector } = await world.addJobConnector({
    steps: [{ id: 'wait', type: 'wait', input: { seconds: 600 } }],
  })
  const inFlight = await world.beginStep('project.call', { connector, input: {} })
  const { workflow } = world.executor.deps.temporal.clientFor(namespaceOf(world.targetId))
  while ((await workflow.count("WorkflowType = 'runJob' AND ExecutionStatus = 'Running'")).count === 0)
    await delay(5)
  await retireNamespace(world.executor.deps.temporal, namespaceOf(world.targetId))
  expect(await world.endOf(inFlight)).toMatchObject({
    status: 'failed',
    error: { code: 'step_failed', message: 'The call was cancelled by the target.' },
  })
  // Where the registry still grants it: the project is closed before it is deleted.
  expect(await world.runStep('project.call', { connector, input: {} })).toMatchObject({
    status: 'failed',
    error: { code: 'target_missing', message: 'The project that is called is being deleted.' },
  })
}, 90_000)
