import { expect, test } from '@jest/globals'
import { openEntry, sealEntry, wipeEntry } from './sealed-entry.ts'

test('an entry gives back what was put in, lies in memory of its own, and holds nothing after it was overwritten', () => {
  const value = { password: 'pässword 🔑', domain: null }
  const entry = sealEntry(value)
  expect(openEntry(entry)).toEqual(value)
  expect(entry.bytes.buffer.byteLength).toBe(entry.bytes.byteLength)
  wipeEntry(entry)
  expect(entry.bytes.every((byte) => byte === 0)).toBe(true)
})
