import { expect, test } from '@jest/globals'
import type { DurableContext } from '../run-job/workflow/durable-step.ts'
import { forEach, runLoopItems } from './for-each.workflow.ts'

const options = { as: 'item', concurrency: 3, stopOnError: false }
const items = Array.from({ length: 10 }, (_, i) => i)

function context(loop: Partial<DurableContext['loop']> = {}) {
  return {
    isCancellation: (error: unknown) => error === 'cancelled',
    failureOf: (error: unknown) => ({ code: 'step_failed', message: String(error), retryable: false }),
    loop: {
      steps: [],
      runItem: async (index: number) => index,
      keep: async (value: unknown) => value,
      isHistoryLong: () => false,
      isExhausted: () => false,
      runBatch: async () => [],
      spend: () => {},
      ...loop,
    },
  } satisfies Partial<DurableContext>
}

test('where the history is long no more items are begun, and those under way are answered', async () => {
  let begun = 0
  const outcomes = await runLoopItems(
    { options, firstIndex: 100, items },
    context({ runItem: async (index) => ++begun && index, isHistoryLong: () => begun >= 4 }),
  )
  expect(outcomes.map((outcome) => outcome.status === 'succeeded' && outcome.output)).toEqual([
    100, 101, 102, 103,
  ])
})

test('at least one item is run, however long the history is', async () => {
  const batch = { options: { ...options, concurrency: 1 }, firstIndex: 0, items }
  expect(await runLoopItems(batch, context({ isHistoryLong: () => true }))).toHaveLength(1)
})

test('no more items are begun once their outputs are as much as one workflow may answer', async () => {
  const big = 'x'.repeat(200_000)
  const batch = { options: { ...options, concurrency: 1 }, firstIndex: 0, items }
  expect(await runLoopItems(batch, context({ runItem: async () => big }))).toHaveLength(3)
})

test('a cancellation ends the loop once all that is under way has ended', async () => {
  const ended: number[] = []
  const runItem = async (index: number) => {
    await Promise.resolve()
    ended.push(index)
    throw 'cancelled'
  }
  await expect(runLoopItems({ options, firstIndex: 0, items }, context({ runItem }))).rejects.toBe(
    'cancelled',
  )
  expect(ended).toEqual([0, 1, 2])
})

test('the items of a long loop go to other workflows, each going on where the one before stopped', async () => {
  const firsts: number[] = []
  const steps = [{ steps: [] }] as never
  const runBatch: DurableContext['loop']['runBatch'] = async ({ firstIndex, items: given }) => {
    firsts.push(firstIndex)
    return given.slice(0, 300).map((output) => ({ status: 'succeeded', output }))
  }
  const input = {
    items: Array.from({ length: 1_000 }, (_, i) => i),
    as: 'item',
    concurrency: 1,
    on_item_error: 'stop',
  }
  const result = (await forEach(input, context({ steps, runBatch }) as never)) as {
    items: { output: number }[]
  }
  expect(firsts).toEqual([0, 300, 600, 900])
  expect(result.items.map(({ output }) => output)).toEqual(input.items)
})
