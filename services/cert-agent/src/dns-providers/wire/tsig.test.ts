import { expect, test } from '@jest/globals'
import { AppError } from '@opsconductor/errors'
import { SecretValue } from '@opsconductor/redact'
import fc from 'fast-check'
import { nameBytes, readName } from './names.ts'
import { type SignedMessage, signMessage, type TsigKey, verifyAnswer } from './tsig.ts'
import { encodeUpdate, encodeZoneQuestion } from './update-message.ts'

const at = new Date('2026-11-22T09:00:00Z')
const key: TsigKey = {
  name: 'Key.zone.test',
  algorithm: 'hmac-sha256',
  secret: new SecretValue(Buffer.alloc(32, 7).toString('base64')),
}
const request: SignedMessage = signMessage(encodeZoneQuestion('zone.test'), key, at)

test('a message is signed as RFC 8945 says: the bytes are those that BIND takes', () => {
  const { bytes } = request
  expect(bytes.readUInt16BE(10)).toBe(1)
  const record = bytes.subarray(encodeZoneQuestion('zone.test').length)
  expect(readName(bytes, bytes.length - record.length).text).toBe('key.zone.test')
  expect(record.subarray(15, 25).toString('hex')).toBe('00fa00ff00000000003d')
})

test('an update is one TXT record more, or exactly this one less', () => {
  const record = { fqdn: '_acme-challenge.a.zone.test', value: 'v'.repeat(43) }
  const classOf = (message: Buffer) => message.readUInt16BE(readName(message, 12 + 11 + 4).end + 2)
  const [added, removed] = [
    encodeUpdate('add', 'zone.test', record),
    encodeUpdate('remove', 'zone.test', record),
  ]
  expect([added.readUInt16BE(2), added.readUInt16BE(8)]).toEqual([5 << 11, 1])
  expect([classOf(added), classOf(removed)]).toEqual([1, 254])
})

test.each([
  ['nothing', Buffer.alloc(0)],
  ['a header alone that counts records', Buffer.from('000080000000000000000001', 'hex')],
  ['a name that points at itself', Buffer.from('000080000001000000000000c00c00010001', 'hex')],
])('%s is no answer, and ends neither in a loop nor past the message', (_name, answer) => {
  expect(() => verifyAnswer(answer, key, request, at)).toThrow('cannot be read')
})

test('an answer without a signature is refused, whatever it says', () => {
  expect(() => verifyAnswer(encodeZoneQuestion('zone.test'), key, request, at)).toThrow(
    'did not sign its answer',
  )
})

test('an answer that was signed with another key, or for another request, is refused', () => {
  const other = { ...key, secret: new SecretValue(Buffer.alloc(32, 8).toString('base64')) }
  for (const signer of [other, key]) {
    const { bytes } = signMessage(encodeZoneQuestion('zone.test'), signer, at)
    expect(() => verifyAnswer(bytes, key, request, at)).toThrow('another TSIG key than ours')
  }
})

test('whatever bytes a server answers, they are refused in words', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.boolean(), (bytes, keepsHead) => {
      const answer = Buffer.concat([keepsHead ? request.bytes.subarray(0, 30) : Buffer.alloc(0), bytes])
      try {
        verifyAnswer(answer, key, request, at)
        return false
      } catch (error) {
        return error instanceof AppError
      }
    }),
    { numRuns: 300 },
  )
})

test('names are written in lower case without compression, and read with it', () => {
  const bytes = Buffer.concat([nameBytes('B.Example'), Buffer.from([1, 97, 0xc0, 0])])
  expect(readName(bytes, 11)).toEqual({ text: 'a.b.example', end: 15 })
})
