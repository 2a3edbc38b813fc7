import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createJob, type ExecutorUnderTest, runToEnd, startExecutor } from '../support/executor.ts'

let executor: ExecutorUnderTest
beforeAll(async () => {
  executor = await startExecutor()
}, 60_000)
afterAll(() => executor?.stop())

const set = (id: string, values: object = {}, more: object = {}) => ({
  ...{ id, type: 'set', input: { values } },
  ...more,
})
const run = async (definition: Record<string, unknown>, input: unknown = {}) =>
  runToEnd(executor, (await createJob(executor, definition)).id, input)

test('500 steps with inputs and results of 30 KB stay far below what a history may hold', async () => {
  const steps = Array.from({ length: 500 }, (_, i) => set(`s${i}`, { text: '{{ input.text }}' }))
  const ended = await run({ steps }, { text: 'ü'.repeat(15_000) })
  expect(ended.status).toBe('succeeded')
  const { workflow } = executor.deps.temporal.clientFor(`project-${executor.projectId}`)
  const { historyLength, historySize } = await workflow.getHandle(`run-${ended.id}`).describe()
  expect(historyLength).toBeLessThan(5_000)
  expect(historySize).toBeLessThan(40 * 1024 * 1024)
}, 60_000)

test.each([
  ['', {}],
  [', also where failures are passed over', { continue_on_error: true }],
])(
  'a run whose steps hold more than that fails before the server ends it%s',
  async (_, more) => {
    const steps = Array.from({ length: 100 }, (_, i) => set(`s${i}`, { text: '{{ input.text }}' }, more))
    const ended = await run({ steps, finally: [set('clean')] }, { text: 'x'.repeat(200_000) })
    expect(ended.error).toMatchObject({
      code: 'target_answer_too_large',
      message: 'The steps of the run took and gave more than a run can hold.',
    })
    expect(ended.steps.at(-1)).toMatchObject({ step_id: 'clean', status: 'succeeded' })
    expect(ended.steps.length).toBeLessThan(60)
  },
  60_000,
)

test('a loop that goes on after failures ends all the same once the run holds all that it may', async () => {
  const items = Array.from({ length: 100 }, (_, i) => i)
  const text = 'x'.repeat(200_000)
  const ended = await run(
    {
      steps: [
        {
          ...{ id: 'a', type: 'for_each', input: { items, on_item_error: 'continue' } },
          steps: [set('b', { text: '{{ input.text }}' })],
        },
      ],
    },
    { text },
  )
  expect(ended.error).toMatchObject({ code: 'target_answer_too_large', step_id: 'a' })
}, 60_000)
