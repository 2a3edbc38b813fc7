import { expect, test } from '@jest/globals'
import { displayInteger, displayOctets } from './display-hint.ts'

test.each([
  ['d', 42, '42'],
  ['d-2', 1234, '12.34'],
  ['d-2', -5, '-0.05'],
  ['x', 255, 'ff'],
  ['b', 5, '101'],
  ['o', 8, '10'],
])('an integer with the hint %s: %d is %s', (hint, value, text) => {
  expect(displayInteger(hint, value)).toBe(text)
})

test.each([
  ['1x:', '001b44113ab7', '00:1b:44:11:3a:b7'],
  ['2d-1d-1d,1d:1d:1d.1d,1a1d:1d', '07c8051a0d1e0f00', '1992-5-26,13:30:15.0'],
  ['2d-1d-1d,1d:1d:1d.1d,1a1d:1d', '07c8051a0d1e0f002d0400', '1992-5-26,13:30:15.0,-4:0'],
  ['255a', '6574683000', 'eth0\0'],
  ['255t', 'c3bc', 'ü'],
  ['1d.1d.1d.1d', '7f000001', '127.0.0.1'],
  ['*1x:/1d', '02aabb07', 'aa:bb/7'],
  ['4d', 'ffffffffffffffff', '42949672954294967295'],
])('octets with the hint %s: %s are %s', (hint, hex, text) => {
  expect(displayOctets(hint, Buffer.from(hex, 'hex'))).toBe(text)
})

test.each(['', '0a', '1', 'x', '99999a', '1z', '1x:'.repeat(200), '1x::', '9d'])(
  'a hint that means nothing (%s) is left out',
  (hint) => {
    expect(displayOctets(hint, Buffer.from('0011', 'hex'))).toBeUndefined()
  },
)

test('a hint cannot make much of little', () => {
  expect(displayOctets('*0x:', Buffer.alloc(60_000, 255))).toBeUndefined()
  const text = displayOctets('*1x:/', Buffer.alloc(60_000, 255)) ?? ''
  expect(text.length).toBeLessThan(11_000)
  expect(displayInteger('d-99', 7)).toBe(`0.${'0'.repeat(98)}7`)
  expect(displayInteger('z', 7)).toBeUndefined()
})
