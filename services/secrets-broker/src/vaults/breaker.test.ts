import { expect, test } from '@jest/globals'
import { createBreaker } from './breaker.ts'
import { vaultError } from './vault-error.ts'

const outage = () => Promise.reject(vaultError('vault_unreachable', 'down'))
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'ok',
    (error: { message: string }) => error.message,
  )

function setUp() {
  let now = 1_000_000
  const breaker = createBreaker({ now: () => now, failuresMax: 3, openMs: 15_000 })
  return { breaker, pass: (ms: number) => (now += ms) }
}

test('three outages in a row open it; then nothing is tried, and after its time one call is', async () => {
  const { breaker, pass } = setUp()
  for (let i = 0; i < 3; i++) expect(await codeOf(breaker.run(outage))).toBe('down')
  let tried = 0
  const works = async () => void tried++
  expect(await codeOf(breaker.run(works))).toMatch(/is not asked/)
  expect(tried).toBe(0)
  pass(15_000)
  let finish = () => {}
  const probe = breaker.run(() => new Promise<void>((resolve) => (finish = resolve)))
  expect(await codeOf(breaker.run(works))).toMatch(/is not asked/)
  finish()
  await probe
  expect(breaker.state()).toBe('closed')
  await breaker.run(works)
  expect(tried).toBe(1)
})

test('a probe that fails opens it again; one that was given up leaves it half open', async () => {
  const { breaker, pass } = setUp()
  for (let i = 0; i < 3; i++) await codeOf(breaker.run(outage))
  pass(15_000)
  expect(await codeOf(breaker.run(outage))).toBe('down')
  expect(breaker.state()).toBe('open')
  pass(15_000)
  await codeOf(breaker.run(() => Promise.reject(new DOMException('gone', 'AbortError'))))
  expect(breaker.state()).toBe('half_open')
})

test('refusals and missing secrets do not open it, and break a row of outages', async () => {
  const { breaker } = setUp()
  for (let i = 0; i < 20; i++) {
    await codeOf(breaker.run(outage))
    await codeOf(breaker.run(outage))
    await codeOf(breaker.run(() => Promise.reject(vaultError('vault_forbidden', 'no'))))
  }
  expect(breaker.state()).toBe('closed')
})

test('a vault that says when to come back is left alone until then', async () => {
  const { breaker, pass } = setUp()
  const limited = () => Promise.reject(vaultError('vault_throttled', 'slow down', { retryAfterSeconds: 20 }))
  await codeOf(breaker.run(limited))
  expect(breaker.state()).toBe('open')
  pass(19_999)
  expect(await codeOf(breaker.run(async () => {}))).toMatch(/is not asked/)
  pass(1)
  expect(await codeOf(breaker.run(async () => {}))).toBe('ok')
})
