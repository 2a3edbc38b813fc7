import { expect, test } from '@jest/globals'
import { createBoundedQueue } from './bounded-queue.ts'

/** Work that ends when the test says so. */
function heldWork() {
  const started: string[] = []
  const ends = new Map<string, (error?: Error) => void>()
  return {
    started,
    end: (name: string, error?: Error) => ends.get(name)?.(error),
    work: (name: string) => () =>
      new Promise<string>((resolve, reject) => {
        started.push(name)
        ends.set(name, (error) => (error === undefined ? resolve(name) : reject(error)))
      }),
  }
}

test('no more run at once than allowed; the others follow in the order they came', async () => {
  const queue = createBoundedQueue({ runningMax: 2, waitingMax: 5 })
  const held = heldWork()
  const results = ['a', 'b', 'c', 'd'].map((name) => queue.run(held.work(name)))
  expect(held.started).toEqual(['a', 'b'])
  held.end('b')
  expect(await results[1]).toBe('b')
  await Promise.resolve()
  expect(held.started).toEqual(['a', 'b', 'c'])
  for (const name of ['a', 'c']) held.end(name)
  await Promise.all([results[0], results[2]])
  await Promise.resolve()
  held.end('d')
  expect(await results[3]).toBe('d')
})

test('where too many wait the next is refused at once with service_unavailable and Retry-After', async () => {
  const queue = createBoundedQueue({ runningMax: 1, waitingMax: 1 })
  const held = heldWork()
  const first = queue.run(held.work('a'))
  const second = queue.run(held.work('b'))
  await expect(queue.run(held.work('c'))).rejects.toMatchObject({
    code: 'service_unavailable',
    retryAfterSeconds: 1,
  })
  held.end('a')
  await first
  await Promise.resolve()
  held.end('b')
  await second
  expect(held.started).toEqual(['a', 'b'])
})

test('work that fails gives its place back', async () => {
  const queue = createBoundedQueue({ runningMax: 1, waitingMax: 0 })
  for (let i = 0; i < 3; i++)
    await expect(
      queue.run(async () => {
        throw new Error('broken')
      }),
    ).rejects.toThrow('broken')
  expect(await queue.run(async () => 'fine')).toBe('fine')
})
