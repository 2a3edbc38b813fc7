import { expect, test } from '@jest/globals'
import { createSignInThrottle } from './sign-in-throttle.ts'

function atTime() {
  const clock = { at: 1_000_000 }
  const throttle = createSignInThrottle(() => clock.at)
  const fail = (account = 'a', address = '1') => throttle.begin(account, address)
  const waitSeconds = (account = 'a', address = '1'): number => {
    try {
      throttle.begin(account, address).withdrawn()
      return 0
    } catch (error) {
      return (error as { retryAfterSeconds: number }).retryAfterSeconds
    }
  }
  return { clock, throttle, fail, waitSeconds }
}

test('the wait doubles with every further failure up to a quarter of an hour', () => {
  const { clock, fail, waitSeconds } = atTime()
  for (let i = 0; i < 5; i++) fail()
  const waits: number[] = []
  for (let i = 0; i < 10; i++) {
    const wait = waitSeconds()
    waits.push(wait)
    clock.at += wait * 1000
    fail()
  }
  expect(waits).toEqual([5, 10, 20, 40, 80, 160, 320, 640, 900, 900])
})

test('the wait runs out by itself, and Retry-After says what is left of it', () => {
  const { clock, fail, waitSeconds } = atTime()
  for (let i = 0; i < 6; i++) {
    clock.at += 10_000
    fail()
  }
  clock.at += 2500
  expect(waitSeconds()).toBe(8)
  clock.at += 7500
  expect(waitSeconds()).toBe(0)
})

test('another address and another account are not slowed', () => {
  const { fail, waitSeconds } = atTime()
  for (let i = 0; i < 5; i++) fail()
  expect([waitSeconds('a', '2'), waitSeconds('b', '1'), waitSeconds()]).toEqual([0, 0, 5])
})

test('the addresses of one IPv6 network of 64 bits are one, however they are written', () => {
  const { fail, waitSeconds } = atTime()
  for (const address of [
    '2001:db8::1',
    '2001:DB8:0:0::2',
    '2001:db8:0:0:5:6:7:8',
    '2001:0db8::a:b',
    '2001:db8::',
  ])
    fail('a', address)
  expect(waitSeconds('a', '2001:db8::ffff')).toBe(5)
  for (const other of [
    '2001:db8:0:1::1',
    '2001:db9::1',
    '::1',
    'fe80::1%eth0',
    '::ffff:192.0.2.1',
    '192.0.2.1',
  ])
    expect([other, waitSeconds('a', other)]).toEqual([other, 0])
  for (let i = 0; i < 5; i++) fail('b', '::ffff:192.0.2.1')
  expect([waitSeconds('b', '::ffff:192.0.2.2'), waitSeconds('b', '::1')]).toEqual([0, 0])
})

test('a success forgets the failures, an undecided attempt does not count, an hour of quiet forgets all', () => {
  const { clock, throttle, fail, waitSeconds } = atTime()
  for (let i = 0; i < 4; i++) fail()
  throttle.begin('a', '1').succeeded()
  for (let i = 0; i < 20; i++) throttle.begin('a', '1').withdrawn()
  for (let i = 0; i < 4; i++) fail()
  expect(waitSeconds()).toBe(0)
  fail()
  expect(waitSeconds()).toBe(5)
  clock.at += 3_600_001
  for (let i = 0; i < 4; i++) fail()
  expect(waitSeconds()).toBe(0)
})

test('the memory is bounded, and a slowed account that keeps trying is not the one forgotten', () => {
  const { clock, fail, waitSeconds } = atTime()
  for (let i = 0; i < 5; i++) fail('old')
  for (let i = 0; i < 5; i++) fail('tried')
  for (let i = 0; i < 9_998; i++) fail(`x${i}`)
  clock.at += 5_000
  fail('tried')
  for (let i = 0; i < 5; i++) fail(`y${i}`)
  expect([waitSeconds('old'), waitSeconds('tried')]).toEqual([0, 10])
})
