import { createHmac } from 'node:crypto'
import type { BindKey } from '@opsconductor/test-peers'
import { encode, type Packet } from 'dns-packet'
import { nameBytes, readName, startOfLastRecord } from '../../src/dns-providers/wire/names.ts'

const uint16 = (value: number) => Buffer.from([value >> 8, value & 0xff])

/** What a server that has the key (of hmac-sha256) answers to a signed request, both as TCP carries them. */
export function signedAnswer(heard: Buffer, { name, algorithm, secret }: BindKey, answer: Packet): Buffer {
  const request = heard.subarray(2)
  const algorithmAt = readName(request, startOfLastRecord(request) as number).end + 10
  const timeAt = readName(request, algorithmAt).end
  const timeAndFudge = request.subarray(timeAt, timeAt + 8)
  const requestMac = request.subarray(timeAt + 10, timeAt + 42)
  const message = encode({ ...answer, type: 'response', id: request.readUInt16BE(0) })
  const head = [nameBytes(name), uint16(255), Buffer.alloc(4)]
  const mac = createHmac('sha256', Buffer.from(secret, 'base64'))
    .update(
      Buffer.concat([
        uint16(32),
        requestMac,
        message,
        ...head,
        nameBytes(algorithm),
        timeAndFudge,
        Buffer.alloc(4),
      ]),
    )
    .digest()
  const data = Buffer.concat([
    ...[nameBytes(algorithm), timeAndFudge, uint16(32), mac, message.subarray(0, 2), Buffer.alloc(4)],
  ])
  const signed = Buffer.concat([
    message,
    nameBytes(name),
    uint16(250),
    uint16(255),
    Buffer.alloc(4),
    uint16(data.length),
    data,
  ])
  signed.writeUInt16BE(1, 10)
  return Buffer.concat([uint16(signed.length), signed])
}
