import { expect, test } from '@jest/globals'
import { createRefusalDelay } from './refusal-delay.ts'

function startDelay() {
  const clock = { now: 1_000_000 }
  const sleeping: { ms: number; wake(): void }[] = []
  const refusals = createRefusalDelay({
    now: () => clock.now,
    sleep: (ms, signal) =>
      new Promise<void>((resolve, reject) => {
        sleeping.push({ ms, wake: resolve })
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      }),
  })
  const here = new AbortController().signal
  return { clock, sleeping, hold: (address = '10.0.0.1', gone = here) => refusals.hold(address, gone) }
}

async function refuse(hold: (address?: string) => Promise<void>, times: number, address?: string) {
  for (let i = 0; i < times; i++) await hold(address)
}

test('ten wrong keys of one address within a minute are answered at once, each further one waits a second', async () => {
  const { hold, sleeping } = startDelay()
  await refuse(hold, 10)
  expect(sleeping).toEqual([])
  const eleventh = hold()
  expect(sleeping.map(({ ms }) => ms)).toEqual([1_000])
  sleeping[0]?.wake()
  await eleventh
})

test('another address does not wait for what this one did', async () => {
  const { hold, sleeping } = startDelay()
  await refuse(hold, 10)
  await refuse(hold, 10, '10.0.0.2')
  expect(sleeping).toEqual([])
})

test('a minute after the first of ten the next is answered at once again', async () => {
  const { hold, sleeping, clock } = startDelay()
  await refuse(hold, 10)
  clock.now += 59_999
  void hold()
  expect(sleeping).toHaveLength(1)
  clock.now += 1
  await hold()
  expect(sleeping).toHaveLength(1)
})

test('no more than a hundred wait: the next is answered at once', async () => {
  const { hold, sleeping } = startDelay()
  await refuse(hold, 10)
  const held = Array.from({ length: 100 }, () => hold())
  await hold()
  expect(sleeping).toHaveLength(100)
  for (const { wake } of sleeping) wake()
  await Promise.all(held)
  void hold()
  expect(sleeping).toHaveLength(101)
})

test('who has gone is not waited for, and takes no place', async () => {
  const { hold, sleeping } = startDelay()
  await refuse(hold, 10)
  const gone = new AbortController()
  const held = hold('10.0.0.1', gone.signal)
  gone.abort()
  await held
  await hold('10.0.0.1', gone.signal)
  expect(sleeping).toHaveLength(1)
})

test('what is remembered is bounded: of ten thousand later addresses none is forgotten, the first is', async () => {
  const { hold, sleeping } = startDelay()
  await refuse(hold, 10)
  for (let i = 0; i < 10_000; i++) await hold(`10.1.${i >> 8}.${i & 255}`)
  await hold()
  expect(sleeping).toEqual([])
})
