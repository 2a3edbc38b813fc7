import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createJob, type ExecutorUnderTest, endOf, runToEnd, startExecutor } from '../support/executor.ts'

const rested = 'worker stopped: the project is not in use'
let executor: ExecutorUnderTest
let jobId: string

beforeAll(async () => {
  executor = await startExecutor({ environment: { WORKER_IDLE_SECONDS: '1' } })
  jobId = (
    await createJob(executor, { steps: [{ id: 'a', type: 'set', input: { values: { text: 'hi' } } }] })
  ).id
}, 60_000)
afterAll(() => executor?.stop())

const serves = () => executor.deps.workers.serves(executor.projectId)
async function untilRested(): Promise<void> {
  while (serves()) await delay(2)
}
const restedLines = () => executor.lines.filter((line) => line.includes(rested))

/** As any program beside the platform may. */
const startPastUs = (job = jobId) =>
  executor.deps.temporal.clientFor(`project-${executor.projectId}`).workflow.start('runJob', {
    taskQueue: 'opsconductor-jobs',
    workflowId: randomUUID(),
    args: [{ job }],
  })

test('a project that nobody uses loses its worker, and has one again for the next run', async () => {
  for (const _ of [1, 2]) {
    executor.lines.length = 0
    expect(await runToEnd(executor, jobId)).toMatchObject({ status: 'succeeded' })
    while (restedLines().length === 0) await delay(2)
  }
}, 60_000)

test('a run that another client of Temporal starts is taken up by a project without a worker, and by one whose worker is coming to rest', async () => {
  await untilRested()
  // In the moment in which it was told to stop, and again a while after.
  for (const wait of [0, 500]) {
    await delay(wait)
    const handle = await startPastUs()
    expect(await handle.result()).toMatchObject({ status: 'succeeded' })
    await untilRested()
  }
}, 60_000)

test('an open workflow keeps its worker, however long nothing else happens', async () => {
  const waiting = await createJob(executor, { steps: [{ id: 'w', type: 'wait', input: { seconds: 4 } }] })
  const started = await executor.call('POST', `/api/jobs/${waiting.id}/runs`, { input: {} })
  executor.lines.length = 0
  expect(await endOf(executor, started.body.id)).toMatchObject({ status: 'succeeded' })
  expect(restedLines()).toEqual([])
}, 60_000)
