const pointerMark = 0xc0

/** In canonical form (RFC 4034 section 6.2): lower case, uncompressed. */
export function nameBytes(name: string): Buffer {
  const labels = name
    .toLowerCase()
    .split('.')
    .filter((label) => label !== '')
  return Buffer.concat([
    ...labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]),
    Buffer.from([0]),
  ])
}

/** The name at `start`, in lower case, and where what follows it begins. Throws RangeError where there is none. */
export function readName(message: Buffer, start: number): { text: string; end: number } {
  const labels: string[] = []
  let at = start
  let end: number | undefined
  for (let jumps = 0; ; ) {
    const length = message.readUInt8(at)
    if (length === 0) return { text: labels.join('.').toLowerCase(), end: end ?? at + 1 }
    if ((length & pointerMark) === pointerMark) {
      end ??= at + 2
      at = message.readUInt16BE(at) & 0x3fff
      jumps += 1
    } else {
      if (at + 1 + length > message.length) throw new RangeError('the name does not end')
      labels.push(message.toString('latin1', at + 1, at + 1 + length))
      at += 1 + length
    }
    // RFC 1035: a name has at most 255 bytes; more jumps than that are a ring.
    if (jumps > 127 || labels.length > 127) throw new RangeError('the name does not end')
  }
}

/** Where the message's last record begins; undefined where it has none. Throws RangeError where it is cut off. */
export function startOfLastRecord(message: Buffer): number | undefined {
  const [questions = 0, ...sections] = [4, 6, 8, 10].map((at) => message.readUInt16BE(at))
  const records = sections.reduce((sum, count) => sum + count, 0)
  let at = 12
  for (let read = 0; read < questions; read++) at = readName(message, at).end + 4
  let last: number | undefined
  for (let read = 0; read < records; read++) {
    last = at
    const { end } = readName(message, at)
    at = end + 10 + message.readUInt16BE(end + 8)
  }
  if (at !== message.length) throw new RangeError('the records do not fill the message')
  return last
}
