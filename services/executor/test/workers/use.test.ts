import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createJob, type ExecutorUnderTest, runToEnd, startExecutor } from '../support/executor.ts'

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
async function untilServed(wanted: boolean): Promise<void> {
  while (serves() !== wanted) await delay(2)
}

/** As any program beside the platform may. */
const startPastUs = (job = jobId) =>
  executor.deps.temporal.clientFor(`project-${executor.projectId}`).workflow.start('runJob', {
    taskQueue: 'opsconductor-jobs',
    workflowId: randomUUID(),
    args: [{ job }],
  })

test('a project that nobody uses loses its worker, and has one again for the next run', async () => {
  await untilServed(true)
  await untilServed(false)
  expect(executor.lines.filter((line) => line.includes(rested))).toHaveLength(1)
  expect(await runToEnd(executor, jobId)).toMatchObject({ status: 'succeeded' })
  expect(serves()).toBe(true)
}, 60_000)

test('a run that another client of Temporal starts is taken up by a project without a worker, and by one whose worker is coming to rest', async () => {
  await untilServed(false)
  // In the moment in which it was told to stop, and again a while after.
  for (const wait of [0, 500]) {
    await delay(wait)
    const handle = await startPastUs()
    expect(await handle.result()).toMatchObject({ status: 'succeeded' })
    await untilServed(false)
  }
}, 60_000)

test('an open workflow keeps its worker, however long nothing else happens', async () => {
  const waiting = await createJob(executor, { steps: [{ id: 'w', type: 'wait', input: { seconds: 4 } }] })
  await untilServed(true)
  executor.lines.length = 0
  expect(await runToEnd(executor, waiting.id)).toMatchObject({ status: 'succeeded' })
  expect(executor.lines.filter((line) => line.includes(rested))).toEqual([])
}, 60_000)
