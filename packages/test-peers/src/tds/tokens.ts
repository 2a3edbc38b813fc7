// What a TDS 7.4 server sends, [MS-TDS] 2.2.7.

const byte = (...bytes: number[]): Buffer => Buffer.from(bytes)
const u16 = (value: number): Buffer => byte(value & 0xff, (value >> 8) & 0xff)

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE(value)
  return buffer
}

function i64(value: bigint): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigInt64LE(value)
  return buffer
}

function f64(value: number): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeDoubleLE(value)
  return buffer
}

const ucs2 = (text: string): Buffer => Buffer.from(text, 'utf16le')
const shortText = (text: string): Buffer => Buffer.concat([byte(text.length), ucs2(text)])
const longText = (text: string): Buffer => Buffer.concat([u16(text.length), ucs2(text)])
const token = (type: number, body: Buffer): Buffer => Buffer.concat([byte(type), u16(body.length), body])

export const doneStatus = { final: 0, error: 0x02, count: 0x10, attention: 0x20, more: 0x01 }

/** DONE (0xfd), DONEPROC (0xfe) or DONEINPROC (0xff). */
export const done = (type: 0xfd | 0xfe | 0xff, status: number, rows = 0): Buffer =>
  Buffer.concat([byte(type), u16(status), u16(0xc1), i64(BigInt(rows))])

export const returnStatus = (): Buffer => byte(0x79, 0, 0, 0, 0)

export const errorToken = (number: number, message: string, severity = 16): Buffer =>
  token(
    0xaa,
    Buffer.concat([
      u32(number),
      byte(1, severity),
      longText(message),
      shortText('peer'),
      shortText(''),
      u32(1),
    ]),
  )

const envChange = (type: number, now: Buffer, before: Buffer): Buffer =>
  token(0xe3, Buffer.concat([byte(type), now, before]))

const transactionId = byte(8, 1, 0, 0, 0, 0, 0, 0, 0)

export const transactionBegan = (): Buffer => envChange(8, transactionId, byte(0))
export const transactionEnded = (type: 'commit' | 'rollback'): Buffer =>
  envChange(type === 'commit' ? 9 : 10, byte(0), transactionId)

export const loggedIn = (): Buffer =>
  Buffer.concat([
    envChange(1, shortText('master'), shortText('master')),
    envChange(4, shortText('4096'), shortText('4096')),
    token(0xad, Buffer.concat([byte(1, 0x74, 0, 0, 4), shortText('peer'), byte(15, 0, 7, 0xd0)])),
    done(0xfd, doneStatus.final),
  ])

/** The server sends its clients to another one. */
export function routing(host: string, port: number): Buffer {
  const where = Buffer.concat([byte(0), u16(port), longText(host)])
  return envChange(20, Buffer.concat([u16(where.length), where]), u16(0))
}

const collation = byte(9, 4, 0xd0, 0, 0x34)
const kinds = {
  integer: {
    column: byte(0x26, 8),
    value: (value: unknown) => Buffer.concat([byte(8), i64(BigInt(value as bigint))]),
  },
  float: { column: byte(0x6d, 8), value: (value: unknown) => Buffer.concat([byte(8), f64(value as number)]) },
  text: {
    column: Buffer.concat([byte(0xe7), u16(8000), collation]),
    value: (value: unknown) => {
      const text = ucs2(String(value))
      return Buffer.concat([u16(text.length), text])
    },
  },
}

const kindOf = (values: unknown[]): keyof typeof kinds => {
  const first = values.find((value) => value !== null)
  if (typeof first === 'bigint') return 'integer'
  return typeof first === 'number' ? 'float' : 'text'
}

/** COLMETADATA and a ROW for each row. */
export function resultSet(columns: string[], rows: unknown[][]): Buffer {
  const types = columns.map((_, index) => kindOf(rows.map((row) => row[index])))
  const metadata = columns.map((name, index) =>
    Buffer.concat([u32(0), u16(9), kinds[types[index] ?? 'text'].column, shortText(name)]),
  )
  const cell = (value: unknown, index: number): Buffer => {
    const type = types[index] ?? 'text'
    if (value === null) return type === 'text' ? u16(0xffff) : byte(0)
    return kinds[type].value(value)
  }
  return Buffer.concat([
    byte(0x81),
    u16(columns.length),
    ...metadata,
    ...rows.flatMap((row) => [byte(0xd1), ...row.map(cell)]),
  ])
}

/** The answer to PRELOGIN: version, and that there is no encryption. */
export function preLogin(): Buffer {
  const options: [number, Buffer][] = [
    [0, byte(15, 0, 0x07, 0xd0, 0, 0)],
    [1, byte(2)],
    [2, byte(0)],
    [4, byte(0)],
  ]
  let offset = options.length * 5 + 1
  const heads = options.map(([type, body]) => {
    const head = Buffer.alloc(5)
    head[0] = type
    head.writeUInt16BE(offset, 1)
    head.writeUInt16BE(body.length, 3)
    offset += body.length
    return head
  })
  return Buffer.concat([...heads, byte(0xff), ...options.map(([, body]) => body)])
}
