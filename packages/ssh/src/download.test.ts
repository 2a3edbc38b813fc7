import { expect, test } from '@jest/globals'
import type { SFTPWrapper } from 'ssh2'
import { readBlocks } from './download.ts'

/** A server that answers a single byte to whatever it is asked for. */
const stingy = {
  read(
    _handle: Buffer,
    buffer: Buffer,
    _at: number,
    _length: number,
    position: number,
    answer: (error: undefined, bytes: number) => void,
  ) {
    const bytes = position < 2_000 ? 1 : 0
    buffer.fill('x', 0, bytes)
    setImmediate(answer, undefined, bytes)
  },
} as unknown as SFTPWrapper

test('a server that answers byte by byte does not cost a block of memory for each', async () => {
  const blocks: Buffer[] = []
  const { signal } = new AbortController()
  for await (const block of readBlocks(stingy, Buffer.alloc(1), { bytesMax: 10_000, signal }))
    blocks.push(block)
  expect(Buffer.concat(blocks).toString()).toBe('x'.repeat(2_000))
  const held = new Set(blocks.map(({ buffer }) => buffer))
  expect([...held].reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThan(1_000_000)
})
