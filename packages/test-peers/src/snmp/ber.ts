/** As much of BER (X.690) as SNMP agents speak. */
export const tags = {
  integer: 2,
  octets: 4,
  null: 5,
  oid: 6,
  sequence: 0x30,
  counter32: 0x41,
  gauge32: 0x42,
  counter64: 0x46,
  endOfMibView: 0x82,
  noSuchInstance: 0x81,
  get: 0xa0,
  getNext: 0xa1,
  response: 0xa2,
  getBulk: 0xa5,
  report: 0xa8,
} as const

export function encode(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const head =
    length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from(head), content])
}

export function integer(value: number, tag: number = tags.integer): Buffer {
  const bytes = Buffer.alloc(6)
  bytes.writeIntBE(value, 0, 6)
  let from = 0
  while (
    from < 5 &&
    (bytes[from] === 0 || bytes[from] === 255) &&
    (bytes[from] as number) >> 7 === (bytes[from + 1] as number) >> 7
  )
    from++
  return encode(tag, bytes.subarray(from))
}

export const octets = (value: string | Buffer): Buffer => encode(tags.octets, Buffer.from(value))
export const sequence = (...parts: readonly Buffer[]): Buffer => encode(tags.sequence, ...parts)

export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  const bytes: number[] = []
  for (const arc of [first * 40 + second, ...rest]) {
    const septets = [arc & 127]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      septets.unshift((left & 127) | 128)
    bytes.push(...septets)
  }
  return encode(tags.oid, Buffer.from(bytes))
}

export interface Element {
  tag: number
  content: Buffer
}

/** The elements that stand one after the other in the bytes. */
export function decode(bytes: Buffer): Element[] {
  const elements: Element[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at] as number
    const short = bytes[at + 1] as number
    const extra = short < 128 ? 0 : short & 127
    const length = extra === 0 ? short : bytes.readUIntBE(at + 2, extra)
    const from = at + 2 + extra
    elements.push({ tag, content: bytes.subarray(from, from + length) })
    at = from + length
  }
  return elements
}

export const toInteger = ({ content }: Element): number => content.readIntBE(0, content.length)

export function toOidText({ content }: Element): string {
  const arcs: number[] = []
  let arc = 0
  for (const byte of content) {
    arc = arc * 128 + (byte & 127)
    if (byte < 128) {
      arcs.push(arc)
      arc = 0
    }
  }
  const [head = 0, ...rest] = arcs
  return [Math.min(2, Math.floor(head / 40)), head - 40 * Math.min(2, Math.floor(head / 40)), ...rest].join(
    '.',
  )
}
