import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createJob, type ExecutorUnderTest, runToEnd, startExecutor } from '../support/executor.ts'

let executor: ExecutorUnderTest
beforeAll(async () => {
  executor = await startExecutor()
}, 60_000)
afterAll(() => executor?.stop())

const set = (id: string) => ({ id, type: 'set', input: { values: { text: '{{ input.text }}' } } })

/** Runs the job; answers its end and what the server says of its history. */
async function run(definition: Record<string, unknown>, text: string) {
  const ended = await runToEnd(executor, (await createJob(executor, definition)).id, { text })
  const { workflow } = executor.deps.temporal.clientFor(`project-${executor.projectId}`)
  return { ended, history: await workflow.getHandle(`run-${ended.id}`).describe() }
}

test('500 steps with inputs and results of 9 KB stay far below what a history may hold', async () => {
  const steps = Array.from({ length: 500 }, (_, i) => set(`s${i}`))
  const { ended, history } = await run({ steps }, '語'.repeat(3_000))
  expect(ended.status).toBe('succeeded')
  expect(ended.steps).toHaveLength(500)
  expect(history.historyLength).toBeLessThan(5_000)
  expect(history.historySize).toBeLessThan(12 * 1024 * 1024)
}, 60_000)

test('a run whose steps hold more than that fails before the server ends it, also where failures are passed over', async () => {
  const items = Array.from({ length: 100 }, (_, i) => i)
  const loop = {
    ...{ id: 'a', type: 'for_each', input: { items, on_item_error: 'continue' }, continue_on_error: true },
    steps: [{ ...set('b'), continue_on_error: true }],
  }
  // Three bytes each.
  const text = '語'.repeat(80_000)
  const { ended, history } = await run({ steps: [loop, set('never')], finally: [set('clean')] }, text)
  expect(ended.error).toEqual({
    code: 'target_answer_too_large',
    message: 'The steps of the run took and gave more than a run can hold.',
    step_id: 'a',
  })
  const steps = ended.steps as { step_id: string; status: string }[]
  expect(steps.some(({ step_id }) => step_id === 'never')).toBe(false)
  expect(steps.at(-1)).toMatchObject({ step_id: 'clean', status: 'succeeded' })
  expect(history.historySize).toBeLessThan(40 * 1024 * 1024)
}, 60_000)
