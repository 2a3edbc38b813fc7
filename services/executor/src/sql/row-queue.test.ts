import { expect, test } from '@jest/globals'
import type { Batch } from './dialect.ts'
import { createRowQueue } from './row-queue.ts'

test.each([
  ['many', 1_000, 100],
  ['large', 4, 1024 * 1024],
])('000.21 the driver is held back where rows that nobody has taken are %s', async (_, count, size) => {
  const calls: string[] = []
  const queue = createRowQueue({
    pause: () => void calls.push('pause'),
    resume: () => void calls.push('resume'),
    stop() {},
  })
  queue.columns(['a'])
  for (let row = 1; row < count; row++) queue.row([row], size)
  expect(calls).toEqual([])
  queue.row([count], size)
  expect(calls).toEqual(['pause'])
  const { value } = await queue.batches().next()
  expect((value as Batch).rows).toHaveLength(count)
  expect(calls).toEqual(['pause', 'resume'])
})
