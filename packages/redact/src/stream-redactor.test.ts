import { expect, test } from '@jest/globals'
import { createRedactor } from './redactor.ts'

const windowBytes = 8 * 1024
const heldBytes = 16 * 1024

function redactStream(secrets: string[], pieces: Uint8Array[]) {
  const stream = createRedactor(secrets).stream(windowBytes)
  const out = Buffer.concat([...pieces.map((piece) => stream.push(piece)), stream.end()])
  return { out, found: stream.found }
}

function piecesOf(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
  return pieces
}

const secret = 'S3cret/with+signs&"quotes" and spaces'

test.each([
  ['raw', secret],
  ['base64', Buffer.from(`x${secret}y`).toString('base64')],
  ['hex', Buffer.from(secret).toString('hex')],
  ['percent', [...Buffer.from(secret)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')],
  ['JSON escapes', [...secret].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')],
])('a secret written as %s is taken out wherever the border of two windows cuts it', (_, written) => {
  for (let at = 0; at <= written.length; at += 1 + Math.floor(written.length / 12)) {
    const before = '.'.repeat(windowBytes - at)
    const after = '.'.repeat(heldBytes)
    const { out, found } = redactStream([secret], piecesOf(Buffer.from(before + written + after), 1024))
    expect(found).toBe(true)
    expect(out.toString() === createRedactor([secret]).redact(before + written + after)).toBe(true)
  }
})

test('pieces of any size give what the whole text gives', () => {
  const text = `a${secret}é${secret.slice(0, 9)}\n${secret}${encodeURIComponent(secret)} 💥 ${secret.slice(3)}`
  for (const size of [1, 2, 3, 7, 50])
    expect(redactStream([secret], piecesOf(Buffer.from(text), size)).out.toString()).toBe(
      createRedactor([secret]).redact(text),
    )
})

test('bytes that are no text pass unchanged, and a secret between them does not', () => {
  const noise = Buffer.from(Array.from({ length: 1_000 }, (_, i) => (i * 7) & 0xff))
  expect(redactStream([secret], [noise]).out.equals(noise)).toBe(true)
  const { out } = redactStream([secret], [noise, Buffer.from(secret), noise])
  expect(out.includes(secret)).toBe(false)
  expect(out.includes('[redacted]')).toBe(true)
})

test('a long secret is taken out whole, however often it stands there', () => {
  const long = Array.from({ length: 400 }, (_, i) => `line ${i} of a key`).join('\n')
  const { out } = redactStream([long], piecesOf(Buffer.from(long.repeat(100)), 10_000))
  expect(out.toString().replaceAll('[redacted]', '')).toBe('')
})

test('without secrets nothing is found', () => {
  expect(redactStream([], [Buffer.from('anything')])).toEqual({ out: Buffer.from('anything'), found: false })
})
