import { expect, jest, test } from '@jest/globals'

const sleep = jest.fn(async () => {})
jest.unstable_mockModule('@temporalio/workflow', () => ({
  CancellationScope: { nonCancellable: (work: () => unknown) => work() },
  sleep,
}))
const { createLocalRoom, sizeOf } = await import('./local-room.ts')

test('what local activities answer between two rounds is limited, also while they are under way', async () => {
  const room = createLocalRoom()
  const work = Promise.withResolvers<string>()
  const first = room.tryRun(1_500_000, () => work.promise)
  expect(first).toBeDefined()
  expect(room.tryRun(1_500_000, async () => '')).toBeUndefined()
  work.resolve('x'.repeat(900_000))
  await first
  expect(room.tryRun(1_500_000, async () => '')).toBeDefined()
  expect(room.tryRun(1_700_000, async () => '')).toBeUndefined()
  await Promise.resolve()
  room.emptied()
  expect(room.tryRun(2_500_000, async () => '')).toBeDefined()
})

test('what must be local waits for a round', async () => {
  const room = createLocalRoom()
  await room.run(0, async () => 'x'.repeat(2_400_000))
  expect(sleep).not.toHaveBeenCalled()
  expect(await room.run(200_000, async () => 'done')).toBe('done')
  expect(sleep).toHaveBeenCalledTimes(1)
})

test('characters beyond ASCII count three bytes', () => {
  expect(sizeOf('ü'.repeat(1000)) - sizeOf('')).toBe(3_000)
})
