import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createJob, type ExecutorUnderTest, endOf, startExecutor } from '../support/executor.ts'
import { sendJson, startTarget } from '../support/target-server.ts'

let executor: ExecutorUnderTest
let target: Awaited<ReturnType<typeof startTarget>>
let arrived: (response: ServerResponse) => void

beforeAll(async () => {
  target = await startTarget((received, response) => {
    if (received.url.startsWith('/hold')) arrived(response)
    else sendJson(response, { ok: true })
  })
  executor = await startExecutor()
  await executor.open(target.port)
}, 60_000)
afterAll(async () => {
  await executor?.stop()
  await target?.close()
})

const get = (id: string, path: string) => ({ id, type: 'http.get', input: { url: target.url + path } })
const held = () => new Promise<ServerResponse>((resolve) => (arrived = resolve))
async function start(definition: Record<string, unknown>) {
  const job = await createJob(executor, definition)
  return (await executor.call('POST', `/api/jobs/${job.id}/runs`, {})).body.id as string
}
const cancel = (id: string) => executor.call('POST', `/api/runs/${id}/cancel`)
const shown = (run: { steps: Record<string, unknown>[] }) =>
  run.steps.map(({ step_id, status }) => `${step_id} ${status}`)

test('cancelling reaches the running step, and the final steps run all the same', async () => {
  const holding = held()
  const id = await start({
    steps: [get('a', '/hold'), get('b', '/never')],
    finally: [get('clean', '/clean')],
  })
  const response = await holding
  const closed = new Promise((resolve) => response.once('close', resolve))
  await cancel(id)
  await closed
  const run = await endOf(executor, id)
  expect(run).toMatchObject({ status: 'cancelled', error: { code: 'run_cancelled', step_id: 'a' } })
  expect(shown(run)).toEqual(['a cancelled', 'clean succeeded'])
  expect(target.received.map(({ url }) => url)).toEqual(['/hold', '/clean'])
})

test('cancelling again while the final steps run does not stop them', async () => {
  const first = held()
  const id = await start({
    steps: [get('a', '/hold')],
    finally: [get('clean', '/hold/clean'), get('last', '/x')],
  })
  await first
  const second = held()
  await cancel(id)
  const cleaning = await second
  expect((await cancel(id)).status).toBe(202)
  sendJson(cleaning, { ok: true })
  const run = await endOf(executor, id)
  expect(run.status).toBe('cancelled')
  expect(shown(run)).toEqual(['a cancelled', 'clean succeeded', 'last succeeded'])
})

test('a final step that hangs ends with its own time', async () => {
  const hanging = held()
  const id = await start({
    steps: [{ id: 'a', type: 'set', input: { values: { b: 1 } } }],
    finally: [{ ...get('clean', '/hold/for-ever'), timeout_seconds: 3, max_attempts: 1 }],
  })
  await hanging
  const run = await endOf(executor, id)
  expect(run).toMatchObject({ status: 'failed', error: { code: 'step_timeout', step_id: 'clean' } })
})

test('cancelling ends a wait at once', async () => {
  const id = await start({ steps: [{ id: 'w', type: 'wait', input: { seconds: 86_400 } }] })
  for (;;) {
    const { body } = await executor.call('GET', `/api/runs/${id}`)
    if (body.steps.length > 0) break
  }
  await cancel(id)
  const run = await endOf(executor, id)
  expect(run.status).toBe('cancelled')
  expect(shown(run)).toEqual(['w cancelled'])
})

test('the time of a loop is limited as a whole', async () => {
  const hanging = held()
  const id = await start({
    steps: [
      {
        id: 'each',
        type: 'for_each',
        input: { items: [1, 2] },
        timeout_seconds: 1,
        steps: [get('a', '/hold/item')],
      },
    ],
  })
  await hanging
  const run = await endOf(executor, id)
  expect(run.error).toEqual({
    code: 'step_timeout',
    message: 'The step took longer than 1 seconds.',
    step_id: 'each',
  })
  expect(shown(run)).toEqual(['each failed', 'a cancelled'])
})

test('a healthy step survives an event loop that is busy for two seconds', async () => {
  const holding = held()
  const id = await start({ steps: [{ ...get('a', '/hold/busy'), max_attempts: 1 }] })
  const response = await holding
  const until = performance.now() + 2_000
  while (performance.now() < until);
  sendJson(response, { ok: true })
  const run = await endOf(executor, id)
  expect(run.status).toBe('succeeded')
  expect(shown(run)).toEqual(['a succeeded'])
})
