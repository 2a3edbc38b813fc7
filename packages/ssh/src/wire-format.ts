type Kind = 'string' | 'uint32' | 'uint64'

/**
 * The fields that `bytes` begin with, in the data types of RFC 4251 section 5: a Buffer for a string, a bigint for a
 * number. Undefined where the bytes end too early.
 */
export function readFields(bytes: Buffer, kinds: readonly Kind[]): (Buffer | bigint)[] | undefined {
  const fields: (Buffer | bigint)[] = []
  let at = 0
  for (const kind of kinds) {
    const width = kind === 'uint64' ? 8 : 4
    if (at + width > bytes.length) return undefined
    const number = width === 8 ? bytes.readBigUInt64BE(at) : BigInt(bytes.readUInt32BE(at))
    at += width
    if (kind !== 'string') {
      fields.push(number)
      continue
    }
    const length = Number(number)
    if (at + length > bytes.length) return undefined
    fields.push(bytes.subarray(at, at + length))
    at += length
  }
  return fields
}

/** Strings as RFC 4251 writes them, one after the other. */
export const writeStrings = (...texts: (string | Buffer)[]): Buffer =>
  Buffer.concat(
    texts.flatMap((text) => {
      const bytes = Buffer.from(text as string)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      return [length, bytes]
    }),
  )

/** The strings that `bytes` consist of; undefined where they are anything else. */
export function readAllStrings(bytes: Buffer): Buffer[] | undefined {
  const strings: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const [text] = readFields(bytes.subarray(at), ['string']) ?? []
    if (text === undefined) return undefined
    strings.push(text as Buffer)
    at += 4 + (text as Buffer).length
  }
  return strings
}
