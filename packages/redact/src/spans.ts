import { redacted } from './secret-value.ts'

/** Where in the original a secret stands: first byte, and the one after its last. */
export type Span = [start: number, end: number]

/** In order, and one where they touch. */
export function joined(spans: Span[]): Span[] {
  spans.sort((a, b) => a[0] - b[0])
  const all: Span[] = []
  for (const span of spans) {
    const previous = all.at(-1)
    if (previous !== undefined && span[0] <= previous[1]) previous[1] = Math.max(previous[1], span[1])
    else all.push(span)
  }
  return all
}

/** The bytes with a mark in place of each span; `spans` are in order and apart. */
export function cutOut(bytes: Buffer, spans: readonly Span[]): Buffer {
  const parts: Buffer[] = []
  let cutTo = 0
  for (const [from, to] of spans) {
    const start = characterStart(bytes, from)
    if (parts.length === 0 || start > cutTo) parts.push(bytes.subarray(cutTo, start), mark)
    cutTo = Math.max(cutTo, characterEnd(bytes, to))
  }
  return Buffer.concat([...parts, bytes.subarray(cutTo)])
}

export const mark = Buffer.from(redacted)

/** A piece of a long secret may begin or end inside a character of several bytes; half a character says nothing. */
function characterStart(bytes: Buffer, at: number): number {
  let start = at
  while (start > 0 && isContinuation(bytes[start])) start--
  return start
}

function characterEnd(bytes: Buffer, at: number): number {
  let end = at
  while (end < bytes.length && isContinuation(bytes[end])) end++
  return end
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80
