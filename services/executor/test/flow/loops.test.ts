import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createJob, type ExecutorUnderTest, endOf, runToEnd, startExecutor } from '../support/executor.ts'
import { sendJson, startTarget } from '../support/target-server.ts'
import { httpGet, set } from './steps.ts'

let executor: ExecutorUnderTest
let target: Awaited<ReturnType<typeof startTarget>>
let open = 0
let openMost = 0
const waiting: ServerResponse[] = []

beforeAll(async () => {
  target = await startTarget((received, response) => {
    if (received.url.startsWith('/refuses')) sendJson(response, { error: 'no' }, 409)
    else if (received.url.startsWith('/together')) {
      openMost = Math.max(openMost, ++open)
      waiting.push(response)
      if (open < 5) return
      for (const one of waiting.splice(0)) {
        open--
        sendJson(one, {})
      }
    } else if (received.url.startsWith('/hang')) void response
    else sendJson(response, { url: received.url, big: 'x'.repeat(received.url.includes('big') ? 20_000 : 0) })
  })
  executor = await startExecutor()
  await executor.open(target.port)
}, 60_000)
afterAll(async () => {
  await executor?.stop()
  await target?.close()
})

const get = (id: string, path: string, more: object = {}) => httpGet(id, target.url + path, more)
const loop = (items: unknown, steps: object[], more: object = {}) => ({
  id: 'each',
  type: 'for_each',
  input: { items, ...more },
  steps,
})
async function run(definition: Record<string, unknown>, input: unknown = {}) {
  const job = await createJob(executor, definition)
  return await runToEnd(executor, job.id, input)
}
const historyOf = async (workflowId: string) => {
  const { workflow } = executor.deps.temporal.clientFor(`project-${executor.projectId}`)
  return (await workflow.getHandle(workflowId).fetchHistory()).events ?? []
}

test('the steps inside run for every item, see it, what was before the loop and their own results', async () => {
  const ended = await run(
    {
      steps: [
        set('base', { path: '/hosts' }),
        loop(
          '{{ input.hosts }}',
          [
            get('ask', '{{{ steps.base.path }}}/{{ host.name }}/{{ host_index }}'),
            set('result', { url: '{{ steps.ask.body.url }}', run: '{{ run.id }}' }),
          ],
          { as: 'host', concurrency: 2 },
        ),
      ],
    },
    { hosts: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] },
  )
  const result = (name: string, index: number) => ({
    status: 'succeeded',
    output: { url: `/hosts/${name}/${index}`, run: ended.id },
  })
  expect(ended.output).toEqual({
    total: 3,
    succeeded: 3,
    failed: 0,
    items: [result('a', 0), result('b', 1), result('c', 2)],
  })
  const asked = ended.steps.filter(({ step_id }: { step_id: string }) => step_id === 'ask')
  expect(asked.map(({ item }: { item: string }) => item).sort()).toEqual(['0', '1', '2'])
})

test('as many items run at once as the loop says, and no more', async () => {
  const ended = await run({
    steps: [
      loop(
        Array.from({ length: 10 }, (_, i) => i),
        [get('ask', '/together/{{ item }}')],
        { concurrency: 5 },
      ),
    ],
  })
  expect(ended.output).toMatchObject({ total: 10, succeeded: 10 })
  expect(openMost).toBe(5)
})

test('a failed item stops the loop, unless it says to go on: then each tells what became of it', async () => {
  const items = ['/a', '/refuses', '/b']
  const stopped = await run({ steps: [loop(items, [get('ask', '{{{ item }}}')])] })
  expect(stopped).toMatchObject({ status: 'failed', error: { code: 'target_refused', step_id: 'each' } })
  expect(stopped.error.message).toMatch(/^Item 1: /)
  const [each, ...inside] = stopped.steps as { status: string; item: string }[]
  expect(each).toMatchObject({ status: 'failed', item: null })
  expect(inside.map(({ item, status }) => [item, status])).toEqual([
    ['0', 'succeeded'],
    ['1', 'failed'],
  ])
  const told = await run({
    steps: [loop(items, [get('ask', '{{{ item }}}')], { on_item_error: 'continue' })],
  })
  expect(told.output).toMatchObject({ total: 3, succeeded: 2, failed: 1 })
  expect(told.output.items[1]).toMatchObject({ status: 'failed', error: { code: 'target_refused' } })
})

test('each item has an idempotency key of its own, in loops inside of loops too', async () => {
  const inner = {
    ...loop('{{ item.numbers }}', [get('ask', '/{{ item.name }}/{{ n }}')], { as: 'n' }),
    id: 'inner',
  }
  const ended = await run({
    steps: [
      loop(
        [
          { name: 'a', numbers: [1, 2] },
          { name: 'b', numbers: [3] },
        ],
        [inner, set('end', { of: '{{ steps.inner.total }}' })],
      ),
    ],
  })
  expect(ended.output.items.map(({ output }: { output: unknown }) => output)).toEqual([{ of: 2 }, { of: 1 }])
  const { rows } = await executor.deps.pool.query(
    `SELECT idempotency_key FROM executor.job_run_steps WHERE run_id = $1 AND step_id = 'ask' ORDER BY id`,
    [ended.id],
  )
  expect(rows.map(({ idempotency_key }) => idempotency_key)).toEqual(
    ['0.0', '0.1', '1.0'].map((item) => `${ended.id}:ask:${item}`),
  )
})

test('an empty list is no error, and what is no list is one', async () => {
  expect((await run({ steps: [loop([], [set('a', {})])] })).output).toEqual({
    total: 0,
    succeeded: 0,
    failed: 0,
    items: [],
  })
  const wrong = await run({ steps: [loop('{{ input.x }}', [set('a', {})])] }, { x: { length: 3 } })
  expect(wrong.error).toMatchObject({ code: 'validation_failed', step_id: 'each' })
  expect(wrong.error.message).toContain('input.items')
})

test("an item's large output becomes an artefact, so that the loop's result stays small", async () => {
  const ended = await run({ steps: [loop([1], [get('ask', '/big')])] })
  const [{ output }] = ended.output.items
  expect(output).toMatchObject({ too_large: true, artefact: { name: 'each.json' } })
  const file = await executor.call('GET', `/api/runs/${ended.id}/artefacts/${output.artefact.id}`)
  expect(file.body).toMatchObject({ status: 200, body: { big: 'x'.repeat(20_000) } })
})

test('thousands of items run in workflows of their own, so that no history gets long', async () => {
  const items = Array.from({ length: 600 }, (_, i) => i)
  const ended = await run({
    steps: [
      set('before', { factor: 'x'.repeat(1000), unused: 'y'.repeat(100_000) }),
      loop(
        items,
        [set('a', { n: '{{ item }}', f: '{{ steps.before.factor }}' }), set('b', { n: '{{ steps.a.n }}' })],
        {
          concurrency: 20,
        },
      ),
    ],
    output: { total: '{{ steps.each.total }}', last: '{{ steps.each.items.599.output.n }}' },
  })
  expect(ended).toMatchObject({ status: 'succeeded', output: { total: 600, last: 599 } })
  const own = await historyOf(`run-${ended.id}`)
  expect(own.length).toBeLessThan(100)
  const starts = own.filter((event) => event.startChildWorkflowExecutionInitiatedEventAttributes != null)
  expect(starts).toHaveLength(2)
  // Of what was before the loop, they are given only what their steps name.
  expect(JSON.stringify(starts[0]).length).toBeLessThan(50_000)
}, 60_000)

test('cancelling a run reaches the items that are under way', async () => {
  const job = await createJob(executor, {
    steps: [loop([1, 2, 3], [get('ask', '/hang/{{ item }}')], { concurrency: 2 })],
  })
  const { body } = await executor.call('POST', `/api/jobs/${job.id}/runs`, {})
  while (target.received.filter(({ url }) => url.startsWith('/hang')).length < 2)
    await new Promise((resolve) => setImmediate(resolve))
  await executor.call('POST', `/api/runs/${body.id}/cancel`)
  const ended = await endOf(executor, body.id)
  expect(ended.status).toBe('cancelled')
  const shown = ended.steps.map(({ step_id, item, status }: Record<string, string>) => [
    step_id,
    item,
    status,
  ])
  expect(shown.sort()).toEqual([
    ['ask', '0', 'cancelled'],
    ['ask', '1', 'cancelled'],
    ['each', null, 'cancelled'],
  ])
})
