// What a TDS client sends, [MS-TDS] 2.2.6.

export const packetTypes = {
  batch: 0x01,
  rpc: 0x03,
  answer: 0x04,
  attention: 0x06,
  transaction: 0x0e,
  login: 0x10,
  preLogin: 0x12,
}

/** The packets that a message travels in. */
export function toPackets(type: number, body: Buffer): Buffer {
  const size = 4088
  const packets: Buffer[] = []
  for (let at = 0, id = 1; at === 0 || at < body.length; at += size, id++) {
    const part = body.subarray(at, at + size)
    const head = Buffer.alloc(8)
    head[0] = type
    head[1] = at + size >= body.length ? 1 : 0
    head.writeUInt16BE(part.length + 8, 2)
    head[6] = id & 0xff
    packets.push(head, part)
  }
  return Buffer.concat(packets)
}

/** Puts messages together from what comes in. */
export function createMessageReader(
  onMessage: (type: number, body: Buffer) => void,
): (chunk: Buffer) => void {
  let buffered: Buffer = Buffer.alloc(0)
  let parts: Buffer[] = []
  return (chunk) => {
    buffered = Buffer.concat([buffered, chunk])
    while (buffered.length >= 8) {
      const length = buffered.readUInt16BE(2)
      if (buffered.length < length) return
      const [type = 0, status = 0] = buffered
      parts.push(buffered.subarray(8, length))
      buffered = buffered.subarray(length)
      if ((status & 1) === 0) continue
      const message = Buffer.concat(parts)
      parts = []
      onMessage(type, message)
    }
  }
}

export const withoutHeaders = (body: Buffer): Buffer => body.subarray(body.readUInt32LE(0))

export function readLogin(body: Buffer): { user: string; password: string } {
  const part = (at: number) => {
    const offset = body.readUInt16LE(at)
    return body.subarray(offset, offset + body.readUInt16LE(at + 2) * 2)
  }
  const password = Buffer.from(part(44)).map((one) => {
    const turned = one ^ 0xa5
    return ((turned << 4) | (turned >> 4)) & 0xff
  })
  return { user: part(40).toString('utf16le'), password: Buffer.from(password).toString('utf16le') }
}

export interface Rpc {
  /** A number where it is one of the well-known procedures; 10 is sp_executesql. */
  procedure: string | number
  parameters: { name: string; value: unknown }[]
}

export function readRpc(body: Buffer): Rpc {
  let at = 0
  const take = (length: number) => {
    at += length
    return body.subarray(at - length, at)
  }
  const u8 = () => take(1).readUInt8()
  const u16 = () => take(2).readUInt16LE()
  const nameLength = u16()
  const procedure = nameLength === 0xffff ? u16() : take(nameLength * 2).toString('utf16le')
  at += 2
  const parameters: Rpc['parameters'] = []
  while (at < body.length) {
    const name = take(u8() * 2).toString('utf16le')
    at += 1
    parameters.push({ name, value: value() })
  }
  return { procedure, parameters }

  function value(): unknown {
    const type = u8()
    if (type === 0xe7 || type === 0xa5) return variable(type)
    if (type !== 0x26 && type !== 0x6d && type !== 0x68)
      throw new Error(`unknown type 0x${type.toString(16)}`)
    at += 1
    const length = u8()
    if (length === 0) return null
    const bytes = take(length)
    if (type === 0x6d) return length === 8 ? bytes.readDoubleLE() : bytes.readFloatLE()
    return length === 8 ? bytes.readBigInt64LE() : BigInt(bytes.readIntLE(0, length))
  }

  function variable(type: number): unknown {
    const max = u16()
    if (type === 0xe7) at += 5
    const bytes = max === 0xffff ? chunks() : plain()
    if (bytes === undefined) return null
    return type === 0xa5 ? bytes : bytes.toString('utf16le')
  }

  function plain(): Buffer | undefined {
    const length = u16()
    return length === 0xffff ? undefined : take(length)
  }

  function chunks(): Buffer | undefined {
    if (take(8).readBigUInt64LE() === 0xffff_ffff_ffff_ffffn) return undefined
    const parts: Buffer[] = []
    for (let length = take(4).readUInt32LE(); length > 0; length = take(4).readUInt32LE())
      parts.push(take(length))
    return Buffer.concat(parts)
  }
}
