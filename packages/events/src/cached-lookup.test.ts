import { expect, test } from '@jest/globals'
import { createCachedLookup } from './cached-lookup.ts'

function setUp(options: { entriesMax?: number } = {}) {
  const state = { now: 0, connected: true, loads: [] as string[], dropped: [] as string[] }
  const cache = createCachedLookup<string>({
    ttlMs: 1_000,
    entriesMax: options.entriesMax ?? 100,
    listener: { connected: () => state.connected },
    onDrop: (value) => state.dropped.push(value),
    now: () => state.now,
  })
  const get = (key: string) =>
    cache.get(key, async () => {
      state.loads.push(key)
      return `${key}-${state.loads.length}`
    })
  return { state, cache, get }
}

test('a value is loaded once, until its time is over', async () => {
  const { state, get } = setUp()
  expect([await get('a'), await get('a')]).toEqual(['a-1', 'a-1'])
  state.now = 1_000
  expect(await get('a')).toBe('a-2')
})

test('callers of one missing key share one load', async () => {
  const { state, get } = setUp()
  await Promise.all([get('a'), get('a'), get('a')])
  expect(state.loads).toEqual(['a'])
})

test('nothing is served from the cache, nor kept, while changes do not reach us', async () => {
  const { state, get } = setUp()
  await get('a')
  state.connected = false
  expect([await get('a'), await get('a')]).toEqual(['a-2', 'a-3'])
  state.connected = true
  expect(await get('a')).toBe('a-1')
})

test('a value that was loading when its change arrived is not kept', async () => {
  const { cache } = setUp()
  let finish: (value: string) => void = () => {}
  const old = cache.get('a', () => new Promise((resolve) => (finish = resolve)))
  cache.forget(() => true)
  const fresh = cache.get('a', async () => 'new')
  finish('old')
  expect([await old, await fresh]).toEqual(['old', 'new'])
  expect(await cache.get('a', async () => 'later')).toBe('new')
})

test('forgetting takes what matches and leaves the rest', async () => {
  const { state, cache, get } = setUp()
  await get('a')
  await get('b')
  cache.forget((_, key) => key === 'a')
  await get('a')
  await get('b')
  expect(state.loads).toEqual(['a', 'b', 'a'])
})

test('a failed load is not kept', async () => {
  const { cache, get } = setUp()
  await expect(cache.get('a', () => Promise.reject(new Error('down')))).rejects.toThrow('down')
  expect(await get('a')).toBe('a-1')
})

test('it never holds more entries than allowed', async () => {
  const { state, get } = setUp({ entriesMax: 2 })
  for (const key of ['a', 'b', 'c', 'a']) await get(key)
  expect(state.loads).toEqual(['a', 'b', 'c', 'a'])
  await get('c')
  expect(state.loads).toHaveLength(4)
})

test('each value that is kept no longer is told of once: replaced, crowded out, over its time, forgotten or cleared', async () => {
  const { state, cache, get } = setUp({ entriesMax: 3 })
  await get('a')
  state.now = 1_000
  await get('a')
  expect(state.dropped).toEqual(['a-1'])
  for (const key of ['b', 'c', 'd']) await get(key)
  expect(state.dropped).toEqual(['a-1', 'a-2'])
  cache.forget((_, key) => key === 'b')
  state.now = 1_500
  await get('e')
  state.now = 2_000
  cache.dropExpired()
  expect(state.dropped).toEqual(['a-1', 'a-2', 'b-3', 'c-4', 'd-5'])
  cache.clear()
  cache.clear()
  expect(state.dropped).toEqual(['a-1', 'a-2', 'b-3', 'c-4', 'd-5', 'e-6'])
})
