import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { getPinnedRunEndpoint, runCheckEndpoint } from '@opsconductor/contracts'
import { testInternalKey } from '@opsconductor/test-peers'
import { request } from 'undici'
import { createJob, type ExecutorUnderTest, endOf, runToEnd, startExecutor } from './support/executor.ts'
import { startTarget } from './support/target-server.ts'

let executor: ExecutorUnderTest
let target: Awaited<ReturnType<typeof startTarget>>
let answerHeld: () => void
beforeAll(async () => {
  const held = new Promise<void>((resolve) => {
    answerHeld = resolve
  })
  target = await startTarget(async ({ url }, response) => {
    if (url === '/held') await held
    response.end('ok')
  })
  executor = await startExecutor()
  await executor.open(target.port)
  executor.broker.add({
    projectId: executor.projectId,
    name: 'shop',
    type: 'bearer_token',
    secret: { token: 'abcdefgh' },
  })
}, 60_000)
afterAll(async () => {
  answerHeld()
  await executor?.stop()
  await target?.close()
})

async function pinned(id: string) {
  const answer = await request(`${executor.internalUrl}/internal/runs/${id}`, {
    headers: { 'x-internal-key': testInternalKey },
  })
  const text = await answer.body.text()
  return { status: answer.statusCode, text, body: JSON.parse(text) }
}
const fetch = (id: string, path: string, more: object = {}) => ({
  id,
  type: 'http.get',
  input: { url: target.url + path },
  ...more,
})

test('001.20 a run answers the steps of the version it was started with, also after the job has changed', async () => {
  const steps = [fetch('first', '/private-path'), fetch('second', '/held', { credential: 'shop' })]
  const job = await createJob(executor, { steps })
  const started = await executor.call('POST', `/api/jobs/${job.id}/runs`, {})
  const changed = await executor.call('PUT', `/api/jobs/${job.id}`, {
    name: `changed ${job.id}`,
    steps: [fetch('first', '/', { credential: 'shop' })],
  })
  expect(changed.status).toBe(200)
  const expected = {
    run_id: started.body.id,
    project_id: executor.projectId,
    job_id: job.id,
    job_version: 1,
    steps: [
      { id: 'first', type: 'http.get', credentials: [] },
      { id: 'second', type: 'http.get', credentials: ['shop'] },
    ],
  }
  const running = await pinned(started.body.id)
  expect([running.status, running.body]).toEqual([
    200,
    { ...expected, status: expect.stringMatching(/^(queued|running)$/) },
  ])
  // Inputs are nobody else's business.
  expect(running.text).not.toContain('private-path')
  answerHeld()
  await endOf(executor, started.body.id)
  expect((await pinned(started.body.id)).body).toEqual({ ...expected, status: 'succeeded' })
})

test('a run of the next version is pinned to that one', async () => {
  const job = await createJob(executor, { steps: [fetch('a', '/')] })
  await executor.call('PUT', `/api/jobs/${job.id}`, { name: `next ${job.id}`, steps: [fetch('b', '/')] })
  const run = await runToEnd(executor, job.id)
  expect((await pinned(run.id)).body).toMatchObject({ job_version: 2, steps: [{ id: 'b' }] })
})

test('the steps of loops and the final steps borrow too, and are named with what they may', async () => {
  const loop = (id: string, steps: object[]) => ({
    id,
    type: 'for_each',
    input: { items: [], as: id },
    steps,
  })
  const job = await createJob(executor, {
    steps: [loop('outer', [loop('inner', [fetch('deep', '/', { credential: 'shop' })]), fetch('mid', '/')])],
    finally: [fetch('last', '/', { credential: 'shop' }), loop('each', [fetch('end', '/')])],
  })
  const run = await runToEnd(executor, job.id)
  const { steps } = (await pinned(run.id)).body as { steps: { id: string; credentials: string[] }[] }
  expect(Object.fromEntries(steps.map(({ id, credentials }) => [id, credentials]))).toEqual({
    ...{ outer: [], inner: [], deep: ['shop'], mid: [], last: ['shop'], each: [], end: [] },
  })
})

test.each([randomUUID(), 'x', '..%2f', '%00'])('the run %j is not there: 404', async (id) => {
  const { status, body } = await pinned(id)
  expect([status, body.code]).toEqual([404, 'not_found'])
})

test('runs of any project are shown to the broker alone, checks are asked for by the broker and the registry', () => {
  expect(getPinnedRunEndpoint.callers).toEqual(['secrets-broker'])
  expect(runCheckEndpoint.callers).toEqual(['secrets-broker', 'interface-registry'])
})
