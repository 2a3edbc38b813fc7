/**
 * A text as bytes, seen through zero or more decodings. `starts[i]` is the place in the original where byte `i` of the
 * view comes from; one more entry gives the original's end.
 */
export interface View {
  bytes: Buffer
  starts: Uint32Array
}

/** Decodes what begins at `at` with one of `marks` into `out`; answers how many bytes it took, 0 for "this is plain". */
interface Decoding {
  marks: readonly number[]
  decode(bytes: Buffer, at: number, out: number[]): number
}

const code = (character: string) => character.charCodeAt(0)

const percent: Decoding = {
  marks: [code('%')],
  decode(bytes, at, out) {
    const value = hexAt(bytes, at + 1, 2)
    if (value < 0) return 0
    out.push(value)
    return 3
  },
}

/** application/x-www-form-urlencoded: as percent, and a space is written `+`. */
const form: Decoding = {
  marks: [code('%'), code('+')],
  decode(bytes, at, out) {
    if (bytes[at] === code('%')) return percent.decode(bytes, at, out)
    out.push(code(' '))
    return 1
  },
}

const shortEscapes = new Map(
  [...'"\\/']
    .map((c) => [code(c), code(c)] as const)
    .concat([...'bfnrt'].map((c, i) => [code(c), [8, 12, 10, 13, 9][i] as number])),
)

const json: Decoding = {
  marks: [code('\\')],
  decode(bytes, at, out) {
    const short = shortEscapes.get(bytes[at + 1] ?? -1)
    if (short !== undefined) {
      out.push(short)
      return 2
    }
    const high = unicodeEscapeAt(bytes, at)
    if (high < 0) return 0
    const low = high >= 0xd800 && high < 0xdc00 ? unicodeEscapeAt(bytes, at + 6) : -1
    const isPair = low >= 0xdc00 && low < 0xe000
    out.push(...Buffer.from(isPair ? String.fromCharCode(high, low) : String.fromCharCode(high)))
    return isPair ? 12 : 6
  },
}

const htmlNames = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])
const htmlReferenceBytesMax = 12

const html: Decoding = {
  marks: [code('&')],
  decode(bytes, at, out) {
    const text = bytes.toString('latin1', at, at + htmlReferenceBytesMax)
    const match = /^&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-z]{2,4}));/.exec(text)
    if (match === null) return 0
    const [whole, decimal, hex, name] = match
    const point = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal)
    const character = name === undefined ? characterOf(point) : htmlNames.get(name)
    if (character === undefined) return 0
    out.push(...Buffer.from(character))
    return whole.length
  },
}

/** Long base64 and PEM are wrapped at any width, with any indentation. */
const unwrapped: Decoding = {
  marks: [code('\n'), code('\r')],
  decode(bytes, at) {
    let end = at
    while (isWrapping(bytes[end])) end++
    return end - at
  },
}

/** One decoding may hide in another, as JSON in JSON or base64 in a query; three deep is not seen in practice. */
const depthMax = 2

/** The text as it is and as every reader would decode it. What a decoding does not change is not looked at twice. */
export function viewsOf(bytes: Buffer, options: { spaces: boolean; wrapped: boolean }): View[] {
  const starts = new Uint32Array(bytes.length + 1)
  for (let i = 0; i < starts.length; i++) starts[i] = i
  const decodings = [percent, json, html]
  if (options.spaces) decodings.push(form)
  if (options.wrapped) decodings.push(unwrapped)
  const views: View[] = [{ bytes, starts }]
  let from = 0
  for (let depth = 0; depth < depthMax; depth++) {
    const to = views.length
    for (const view of views.slice(from))
      for (const decoding of decodings) {
        const decoded = decodeWith(decoding, view)
        if (decoded !== undefined && !views.some((seen) => seen.bytes.equals(decoded.bytes)))
          views.push(decoded)
      }
    from = to
  }
  return views
}

function decodeWith(decoding: Decoding, { bytes, starts }: View): View | undefined {
  if (decoding.marks.every((mark) => !bytes.includes(mark))) return undefined
  const isMark = new Uint8Array(256)
  for (const mark of decoding.marks) isMark[mark] = 1
  // No decoding makes a text longer.
  const decoded = Buffer.allocUnsafe(bytes.length)
  const origins = new Uint32Array(bytes.length + 1)
  let length = 0
  let changed = false
  const emitted: number[] = []
  for (let at = 0; at < bytes.length; ) {
    const byte = bytes[at] as number
    if (isMark[byte] === 0) {
      decoded[length] = byte
      origins[length++] = starts[at++] as number
      continue
    }
    const taken = decoding.decode(bytes, at, emitted)
    if (taken > 0) changed = true
    else emitted.push(byte)
    for (let i = 0; i < emitted.length; i++) {
      decoded[length] = emitted[i] as number
      origins[length++] = starts[at] as number
    }
    emitted.length = 0
    at += Math.max(taken, 1)
  }
  if (!changed) return undefined
  origins[length] = starts[bytes.length] as number
  return { bytes: decoded.subarray(0, length), starts: origins }
}

function hexAt(bytes: Buffer, at: number, digits: number): number {
  let value = 0
  for (let i = at; i < at + digits; i++) {
    const byte = bytes[i] ?? 0
    const lower = byte | 0x20
    if (byte >= 0x30 && byte <= 0x39) value = value * 16 + byte - 0x30
    else if (lower >= 0x61 && lower <= 0x66) value = value * 16 + lower - 0x57
    else return -1
  }
  return value
}

const unicodeEscapeAt = (bytes: Buffer, at: number): number =>
  bytes[at] === code('\\') && bytes[at + 1] === code('u') ? hexAt(bytes, at + 2, 4) : -1

const characterOf = (point: number): string | undefined =>
  point <= 0x10ffff ? String.fromCodePoint(point) : undefined

const isWrapping = (byte: number | undefined): boolean =>
  byte === code('\n') || byte === code('\r') || byte === code(' ') || byte === code('\t')
