import { expect, test } from '@jest/globals'
import type { VaultSecret } from './define-vault-provider.ts'
import { createSecretCache } from './secret-cache.ts'
import { vaultError } from './vault-error.ts'

const fresh = { ttlSeconds: 60, allowStaleSeconds: 0 }
const lenient = { ttlSeconds: 60, allowStaleSeconds: 600 }

function setUp(entriesMax?: number) {
  const clock = { now: 1_000_000 }
  const cache = createSecretCache({
    now: () => clock.now,
    ...(entriesMax === undefined ? {} : { entriesMax }),
  })
  let reads = 0
  const read =
    (value: string, more: Partial<VaultSecret> = {}) =>
    async () => {
      reads++
      return { values: { value }, version: null, ...more }
    }
  return { clock, cache, read, reads: () => reads }
}
const failing = (code: Parameters<typeof vaultError>[0]) => () => Promise.reject(vaultError(code, code))

test('a secret is kept for its time, and never longer than the vault’s lease', async () => {
  const { clock, cache, read, reads } = setUp()
  await cache.get('a', fresh, read('one'))
  await cache.get('b', fresh, read('leased', { leaseSeconds: 5 }))
  clock.now += 4_999
  expect(await cache.get('b', fresh, read('two'))).toEqual({ value: 'leased' })
  clock.now += 1
  expect(await cache.get('b', fresh, read('two'))).toEqual({ value: 'two' })
  expect(await cache.get('a', fresh, read('two'))).toEqual({ value: 'one' })
  clock.now += 55_000
  expect(await cache.get('a', fresh, read('two'))).toEqual({ value: 'two' })
  expect(reads()).toBe(4)
})

test('whoever asks during a read waits for it, also where nothing is kept; a failure is not kept', async () => {
  const { cache, read, reads } = setUp()
  const never = { ttlSeconds: 0, allowStaleSeconds: 0 }
  await Promise.all([1, 2, 3].map(() => cache.get('a', never, read('one'))))
  expect(reads()).toBe(1)
  await expect(cache.get('a', never, failing('vault_sealed'))).rejects.toThrow('vault_sealed')
  expect(await cache.get('a', never, read('two'))).toEqual({ value: 'two' })
})

test('an old secret is used in an outage only, only where that is allowed, and only so long', async () => {
  const { clock, cache, read } = setUp()
  await cache.get('a', lenient, read('one'))
  clock.now += 659_999
  for (const code of ['vault_unreachable', 'vault_sealed', 'vault_throttled'] as const) {
    expect(await cache.get('a', lenient, failing(code))).toEqual({ value: 'one' })
    await expect(cache.get('a', fresh, failing(code))).rejects.toThrow(code)
  }
  clock.now += 1
  await expect(cache.get('a', lenient, failing('vault_sealed'))).rejects.toThrow('vault_sealed')
  await cache.get('a', lenient, read('two'))
  clock.now += 60_000
  await expect(cache.get('a', lenient, failing('vault_forbidden'))).rejects.toThrow('vault_forbidden')
  await expect(cache.get('a', lenient, failing('vault_sealed'))).rejects.toThrow('vault_sealed')
})

test('what is kept is bounded, and printed by nothing', async () => {
  const { cache, read, reads } = setUp(2)
  for (const key of ['a', 'b', 'c']) await cache.get(key, fresh, read(`value of ${key}`))
  await cache.get('c', fresh, read('again'))
  await cache.get('b', fresh, read('again'))
  expect(reads()).toBe(3)
  await cache.get('a', fresh, read('again'))
  expect(reads()).toBe(4)
})
