import { createHmac, timingSafeEqual } from 'node:crypto'
import { AppError } from '@opsconductor/errors'
import type { SecretValue } from '@opsconductor/redact'
import { nameBytes, readName, startOfLastRecord } from './names.ts'

/** RFC 8945: a DNS message signed with a key that both sides have. */
export interface TsigKey {
  name: string
  algorithm: TsigAlgorithm
  /** Base64. */
  secret: SecretValue
}

const hashes = { 'hmac-sha256': 'sha256', 'hmac-sha384': 'sha384', 'hmac-sha512': 'sha512' } as const
export type TsigAlgorithm = keyof typeof hashes
export const tsigAlgorithms = Object.keys(hashes) as TsigAlgorithm[]

const tsigType = 250
const anyClass = 255
const fudgeSeconds = 300
/** Errors of the record, RFC 8945 section 3. */
const badSig = 16
const badKey = 17
const badTime = 18

interface TsigVariables {
  time: number
  fudge: number
  error: number
  other: Buffer
}

export interface SignedMessage {
  bytes: Buffer
  mac: Buffer
}

/** The message with its signature as the last record. */
export function signMessage(message: Buffer, key: TsigKey, at: Date): SignedMessage {
  const variables = {
    time: Math.floor(at.getTime() / 1_000),
    fudge: fudgeSeconds,
    error: 0,
    other: Buffer.alloc(0),
  }
  const mac = macOf([message], key, variables)
  const data = Buffer.concat([
    nameBytes(key.algorithm),
    timeAndFudge(variables),
    uint16(mac.length),
    mac,
    message.subarray(0, 2),
    uint16(0),
    uint16(0),
  ])
  const head = Buffer.concat([
    nameBytes(key.name),
    uint16(tsigType),
    uint16(anyClass),
    uint32(0),
    uint16(data.length),
  ])
  const bytes = Buffer.concat([message, head, data])
  bytes.writeUInt16BE(bytes.readUInt16BE(10) + 1, 10)
  return { bytes, mac }
}

/**
 * The answer to a signed message, without its signature, once that is found right. Throws `target_refused` where it is
 * not, is missing, or where the server says what it has against ours.
 */
export function verifyAnswer(answer: Buffer, key: TsigKey, request: SignedMessage, at: Date): Buffer {
  const tsig = asReadable(() => readTsig(answer))
  if (tsig === undefined)
    throw refused('did not sign its answer: it does not know the TSIG key, or asks for none.')
  if (tsig.error === badKey) throw refused('does not know the TSIG key, or not with this algorithm.')
  if (tsig.error === badSig)
    throw refused('finds the TSIG signature wrong: its key of this name has another secret.')
  const now = Math.floor(at.getTime() / 1_000)
  const mac = macOf([uint16(request.mac.length), request.mac, tsig.message], key, tsig)
  const isRight =
    tsig.keyName === key.name.toLowerCase().replace(/\.$/, '') &&
    tsig.algorithm === key.algorithm &&
    mac.length === tsig.mac.length &&
    timingSafeEqual(mac, tsig.mac)
  if (!isRight) throw refused('signed its answer with another TSIG key than ours.')
  if (tsig.error === badTime)
    throw clocksDiffer(tsig.other.length === 6 ? tsig.other.readUIntBE(0, 6) - now : undefined)
  if (tsig.error !== 0) throw refused(`refused the TSIG signature (error ${tsig.error}).`)
  if (Math.abs(tsig.time - now) > tsig.fudge) throw clocksDiffer(tsig.time - now)
  return tsig.message
}

const refused = (what: string) => new AppError('target_refused', `The DNS server ${what}`)

/** Throws `target_refused` where `read` throws anything. */
export function asReadable<T>(read: () => T): T {
  try {
    return read()
  } catch {
    throw refused('gave an answer that cannot be read.')
  }
}

const clocksDiffer = (seconds: number | undefined) =>
  refused(
    `refused the signature because of its time: its clock and ours differ${
      seconds === undefined ? '' : ` by ${Math.abs(seconds)} seconds`
    }.`,
  )

/** Undefined where the last record is none. Throws RangeError where the message is cut off. */
function readTsig(answer: Buffer) {
  const start = startOfLastRecord(answer)
  if (start === undefined) return undefined
  const name = readName(answer, start)
  if (answer.readUInt16BE(name.end) !== tsigType) return undefined
  const algorithm = readName(answer, name.end + 10)
  const at = algorithm.end
  const macEnd = at + 10 + answer.readUInt16BE(at + 8)
  const otherEnd = macEnd + 6 + answer.readUInt16BE(macEnd + 4)
  if (otherEnd !== answer.length) throw new RangeError('the record does not end with the message')
  // What was signed: the message as it was before, under the id that the request had.
  const message = Buffer.from(answer.subarray(0, start))
  message.writeUInt16BE(message.readUInt16BE(10) - 1, 10)
  answer.copy(message, 0, macEnd, macEnd + 2)
  return {
    message,
    keyName: name.text,
    algorithm: algorithm.text,
    time: answer.readUIntBE(at, 6),
    fudge: answer.readUInt16BE(at + 6),
    mac: answer.subarray(at + 10, macEnd),
    error: answer.readUInt16BE(macEnd + 2),
    other: answer.subarray(macEnd + 6, otherEnd),
  }
}

/** RFC 8945 section 4.3. */
function macOf(
  signed: readonly Buffer[],
  { name, algorithm, secret }: TsigKey,
  variables: TsigVariables,
): Buffer {
  const hmac = createHmac(hashes[algorithm], Buffer.from(secret.reveal(), 'base64'))
  for (const part of signed) hmac.update(part)
  return hmac
    .update(nameBytes(name))
    .update(Buffer.concat([uint16(anyClass), uint32(0)]))
    .update(nameBytes(algorithm))
    .update(timeAndFudge(variables))
    .update(Buffer.concat([uint16(variables.error), uint16(variables.other.length), variables.other]))
    .digest()
}

function timeAndFudge({ time, fudge }: Pick<TsigVariables, 'time' | 'fudge'>): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUIntBE(time, 0, 6)
  bytes.writeUInt16BE(fudge, 6)
  return bytes
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
