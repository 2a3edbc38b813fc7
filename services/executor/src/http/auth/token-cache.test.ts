import { expect, test } from '@jest/globals'
import { type AccessToken, createTokenCache } from './token-cache.ts'

const token = (text: string, staleAt: number): AccessToken => ({ text, staleAt, refreshToken: undefined })
const running = () => new AbortController().signal

test('many who want the same token at once cause one request, and the token serves until it is stale', async () => {
  let now = 0
  let asked = 0
  const cache = createTokenCache(() => now)
  const ask = async () => token(`t${++asked}`, 100)
  const texts = await Promise.all(Array.from({ length: 50 }, () => cache.get('k', ask, running())))
  expect([new Set(texts.map(({ text }) => text)).size, asked]).toEqual([1, 1])
  now = 99
  await cache.get('k', ask, running())
  expect(asked).toBe(1)
  now = 100
  expect((await cache.get('k', async () => token('t2', 200), running())).text).toBe('t2')
})

test('a token that was refused is asked for anew, but not one that is newer', async () => {
  const cache = createTokenCache(() => 0)
  const first = await cache.get('k', async () => token('a', 100), running())
  cache.drop('k', first)
  await cache.get('k', async () => token('b', 100), running())
  cache.drop('k', first)
  expect((await cache.get('k', () => Promise.reject(new Error('asked')), running())).text).toBe('b')
})

test('a failure reaches all who waited, and the next one asks again', async () => {
  const cache = createTokenCache()
  const failing = () => Promise.reject(new Error('refused'))
  const all = await Promise.allSettled([1, 2].map(() => cache.get('k', failing, running())))
  expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect((await cache.get('k', async () => token('c', Number.MAX_VALUE), running())).text).toBe('c')
})

test('where the one who asked was cancelled, another who waits asks', async () => {
  const cache = createTokenCache()
  const stop = new AbortController()
  const first = cache.get(
    'k',
    () => new Promise((_, reject) => stop.signal.addEventListener('abort', reject)),
    stop.signal,
  )
  const second = cache.get('k', async () => token('mine', Number.MAX_VALUE), running())
  stop.abort(new Error('CANCELLED'))
  await expect(first).rejects.toThrow('CANCELLED')
  expect((await second).text).toBe('mine')
})

test('one that waits and is cancelled ends, and the others do not', async () => {
  const cache = createTokenCache()
  let give: (token: AccessToken) => void = () => {}
  const first = cache.get('k', () => new Promise((resolve) => (give = resolve)), running())
  const stop = new AbortController()
  const second = cache.get('k', () => Promise.reject(new Error('asked')), stop.signal)
  stop.abort(new Error('CANCELLED'))
  await expect(second).rejects.toThrow('CANCELLED')
  give(token('a', Number.MAX_VALUE))
  expect((await first).text).toBe('a')
})

test('what the last answer said to ask with is given to the next', async () => {
  const cache = createTokenCache()
  const lasts: unknown[] = []
  const ask = async (last: AccessToken | undefined) => {
    lasts.push(last?.refreshToken)
    return { ...token('x', 0), refreshToken: `r${lasts.length}` }
  }
  await cache.get('k', ask, running())
  await cache.get('k', ask, running())
  expect(lasts).toEqual([undefined, 'r1'])
})
