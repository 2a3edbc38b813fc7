import { expect, test } from '@jest/globals'
import { createWriteBehind } from './write-behind.ts'

test('a run waits for its own rows at its end, and for one of them where too many are under way', async () => {
  const writes = createWriteBehind()
  const rows = Array.from({ length: 21 }, () => Promise.withResolvers<void>())
  for (const { promise } of rows.slice(0, 20)) await writes.add('a', () => promise)
  let isAdded = false
  const added = writes
    .add('a', () => rows[20]?.promise ?? Promise.resolve())
    .then(() => {
      isAdded = true
    })
  await writes.settled('another run')
  expect(isAdded).toBe(false)
  rows[7]?.resolve()
  await added
  let isSettled = false
  const settled = writes.settled('a').then(() => {
    isSettled = true
  })
  for (const { resolve } of rows.slice(0, 20)) resolve()
  await new Promise(setImmediate)
  expect(isSettled).toBe(false)
  rows[20]?.resolve()
  await settled
})
