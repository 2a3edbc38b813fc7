import { randomUUID } from 'node:crypto'
import { expect, test } from '@jest/globals'
import type { PinnedRun } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { createPinnedRuns } from './pinned-runs.ts'

function start(answer: (id: string) => PinnedRun) {
  const clock = { now: 1_000_000 }
  const asked: string[] = []
  const call = async (_endpoint: unknown, _request: unknown, options?: { params?: { id?: string } }) => {
    const id = options?.params?.id as string
    asked.push(id)
    return answer(id)
  }
  return { clock, asked, runs: createPinnedRuns({ internal: { call: call as never }, now: () => clock.now }) }
}
const runOf = (run_id: string, status: PinnedRun['status'] = 'running'): PinnedRun => ({
  run_id,
  project_id: randomUUID(),
  job_id: randomUUID(),
  job_version: 1,
  status,
  steps: [],
})

test('a run is asked about once in ten seconds, so that its end is known ten seconds later at the latest', async () => {
  let status: PinnedRun['status'] = 'running'
  const { runs, asked, clock } = start((id) => runOf(id, status))
  const id = randomUUID()
  await runs.find(id)
  status = 'succeeded'
  clock.now += 9_999
  expect((await runs.find(id.toUpperCase()))?.status).toBe('running')
  clock.now += 1
  expect((await runs.find(id))?.status).toBe('succeeded')
  expect(asked).toEqual([id, id])
})

test('a run that was not there a moment ago is asked about again', async () => {
  let known = false
  const { runs } = start((id) => {
    if (!known) throw new AppError('not_found', 'There is no such run.')
    return runOf(id)
  })
  const id = randomUUID()
  expect(await runs.find(id)).toBeUndefined()
  known = true
  expect(await runs.find(id)).toMatchObject({ run_id: id })
})

test.each([
  new AppError('service_unavailable', 'away', { cause: { code: 'ECONNREFUSED' } }),
  new AppError('internal_error', 'our key was refused'),
  new Error('anything'),
])('whatever else goes wrong is service_unavailable: %s', async (error) => {
  const { runs } = start(() => {
    throw error
  })
  const thrown = (await runs.find(randomUUID()).catch((refusal: unknown) => refusal)) as AppError
  expect([thrown.code, thrown.retryAfterSeconds]).toEqual(['service_unavailable', 2])
})

test('what is remembered is bounded: the thousand runs asked about last', async () => {
  const { runs, asked } = start((id) => runOf(id))
  const ids = Array.from({ length: 1_001 }, () => randomUUID())
  for (const id of ids) await runs.find(id)
  await runs.find(ids[1] as string)
  expect(asked).toHaveLength(1_001)
  await runs.find(ids[0] as string)
  expect(asked).toHaveLength(1_002)
})
