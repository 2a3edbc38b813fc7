import { expect, test } from '@jest/globals'
import { createKeyUse } from './key-use.ts'

type Items = { keyId: string; usedAt: number }[]

test('002.08 the uses of a while become one write with the latest time of each key', async () => {
  const writes: Items[] = []
  const use = createKeyUse({ write: async (items) => writes.push(items), onWriteError: () => {} })
  use.record('a', 10)
  use.record('b', 20)
  use.record('a', 30)
  use.record('a', 5)
  await use.flush()
  await use.flush()
  await use.stop()
  expect(writes).toEqual([
    [
      { keyId: 'a', usedAt: 30 },
      { keyId: 'b', usedAt: 20 },
    ],
  ])
})

test('002.08 a write that fails is reported and made up for with the next, and stop writes what is left', async () => {
  const writes: Items[] = []
  const failures: unknown[] = []
  let broken = true
  const use = createKeyUse({
    async write(items) {
      if (broken) throw new Error('down')
      writes.push(items)
    },
    onWriteError: (error) => failures.push(error),
  })
  use.record('a', 10)
  await use.flush()
  expect(failures).toHaveLength(1)
  broken = false
  use.record('a', 7)
  await use.stop()
  expect(writes).toEqual([[{ keyId: 'a', usedAt: 10 }]])
})

test('002.08 no write is larger than api-key takes, and a failure repeats only what was not written', async () => {
  const sizes: number[] = []
  let broken = true
  const use = createKeyUse({
    async write(items) {
      if (broken && sizes.length === 1) throw new Error('down')
      sizes.push(items.length)
    },
    onWriteError: () => {},
  })
  for (let i = 0; i < 20_001; i++) use.record(`key ${i}`, i)
  await use.flush()
  expect(sizes).toEqual([10_000])
  broken = false
  await use.stop()
  expect(sizes).toEqual([10_000, 10_000, 1])
})
