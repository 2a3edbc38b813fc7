import { randomInt } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { generateApiKey, hashApiKey, isWellFormedApiKey } from './api-key-format.ts'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

test('002.02 a new key is well formed, holds its id, and no two are alike', () => {
  const keys = new Map<string, string>()
  for (let i = 0; i < 2000; i++) {
    const { key, id } = generateApiKey()
    expect(key).toMatch(/^oc_live_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}$/)
    expect(key.slice(8, 16)).toBe(id)
    expect(isWellFormedApiKey(key)).toBe(true)
    keys.set(key.slice(17, 60), id)
  }
  expect(keys.size).toBe(2000)
  expect(new Set(keys.values()).size).toBe(2000)
})

test('002.02 every place of the secret takes every character, so no bits are lost to the encoding', () => {
  const seen = Array.from({ length: 43 }, () => new Set<string>())
  for (let i = 0; i < 4000; i++)
    for (const [place, character] of [...generateApiKey().key.slice(17, 60)].entries())
      seen[place]?.add(character)
  // 62^43 is just over 2^256, so even the first place takes nearly all of the alphabet.
  for (const [place, characters] of seen.entries())
    expect([place, characters.size >= (place === 0 ? 60 : 62)]).toEqual([place, true])
})

test('every change of a single character is refused', () => {
  for (let round = 0; round < 3; round++) {
    const { key } = generateApiKey()
    for (let place = 0; place < key.length; place++)
      for (const character of `${alphabet}_- \u0000é`) {
        if (character === key[place]) continue
        const changed = key.slice(0, place) + character + key.slice(place + 1)
        if (isWellFormedApiKey(changed)) throw new Error(`accepted a change at ${place}`)
      }
  }
})

test('two neighbours swapped, a character lost or doubled, and a wrong case are refused', () => {
  for (let round = 0; round < 50; round++) {
    const { key } = generateApiKey()
    for (let place = 0; place < key.length - 1; place++) {
      const [one, two] = [key[place] as string, key[place + 1] as string]
      if (one !== two)
        expect(isWellFormedApiKey(key.slice(0, place) + two + one + key.slice(place + 2))).toBe(false)
    }
    const place = randomInt(key.length)
    expect(isWellFormedApiKey(key.slice(0, place) + key.slice(place + 1))).toBe(false)
    expect(isWellFormedApiKey(key.slice(0, place) + key[place] + key.slice(place))).toBe(false)
    expect(isWellFormedApiKey(key.toUpperCase())).toBe(false)
    expect(isWellFormedApiKey(key.toLowerCase())).toBe(false)
  }
})

test('what only looks like a key is refused', () => {
  const { key } = generateApiKey()
  for (const text of [
    '',
    'oc_live_',
    ` ${key}`,
    `${key}\n`,
    `${key} `,
    key.replace('live', 'test'),
    key + key,
  ])
    expect(isWellFormedApiKey(text)).toBe(false)
})

test('the checksum is the CRC-32 of what stands before it, in base 62: a pinned example', () => {
  const body = `oc_live_${'0'.repeat(8)}_${'0'.repeat(43)}`
  // From an independent implementation (Python zlib.crc32).
  const checksum = '1idtcY'
  expect(isWellFormedApiKey(body + checksum)).toBe(true)
})

test('002.03 the stored hash is HMAC-SHA-256 under the pepper: a pinned example', () => {
  // RFC 4231 test case 2.
  expect(hashApiKey('what do ya want for nothing?', 'Jefe')).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  )
  const { key } = generateApiKey()
  expect(hashApiKey(key, 'one pepper')).not.toBe(hashApiKey(key, 'another'))
})
