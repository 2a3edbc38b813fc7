import { randomInt } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { AppError } from '@opsconductor/errors'
import { unreachable } from '@opsconductor/reach'
import { type DecodedPacket, decode } from 'dns-packet'
import type { ProviderTools } from '../define-dns-provider.ts'
import { asReadable, type SignedMessage, signMessage, type TsigKey, verifyAnswer } from './tsig.ts'

const answerMsMax = 10_000

/** What the types of dns-packet leave out. */
export type DnsAnswer = DecodedPacket & { rcode: string }

interface Server {
  host: string
  port: number
}

/**
 * Asks a DNS server, signed, and answers what it said, its signature checked. Over TCP, which every server has to take
 * (RFC 7766) and in which nobody else's answer can be slipped. Throws `target_refused`, `target_unreachable`,
 * `step_timeout`, or the signal's reason.
 */
export async function askServer(
  { host, port }: Server,
  unsigned: Buffer,
  key: TsigKey,
  { outbound, now, signal }: Pick<ProviderTools<unknown>, 'outbound' | 'now' | 'signal'>,
): Promise<DnsAnswer> {
  const { reach } = outbound
  reach.assertCredentialMayGoTo(host)
  const timeout = AbortSignal.timeout(answerMsMax)
  const within = AbortSignal.any([signal, timeout])
  unsigned.writeUInt16BE(randomInt(65_536), 0)
  try {
    const socket = await reach.connect(host, port, within)
    const request = signMessage(unsigned, key, now())
    const answer = await exchange(socket, request, within)
    return readAnswer(answer, key, request, now())
  } catch (error) {
    signal.throwIfAborted()
    if (timeout.aborted) throw new AppError('step_timeout', 'The DNS server did not answer in time.')
    throw error instanceof AppError ? error : unreachable(error)
  }
}

function readAnswer(answer: Buffer, key: TsigKey, request: SignedMessage, at: Date): DnsAnswer {
  const message = verifyAnswer(answer, key, request, at)
  return asReadable(() => decode(message) as DnsAnswer)
}

/** RFC 1035 section 4.2.2: the length in two bytes, then the message; so an answer has 64 KiB at most. */
async function exchange(socket: Duplex, { bytes }: SignedMessage, signal: AbortSignal): Promise<Buffer> {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  const stop = () => socket.destroy(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  socket.on('error', () => {})
  try {
    socket.write(Buffer.concat([length, bytes]))
    let heard = Buffer.alloc(0)
    for await (const chunk of socket) {
      heard = Buffer.concat([heard, chunk])
      if (heard.length >= 2 && heard.length >= 2 + heard.readUInt16BE(0))
        return heard.subarray(2, 2 + heard.readUInt16BE(0))
    }
    throw { code: 'ECONNRESET' }
  } finally {
    signal.removeEventListener('abort', stop)
    socket.destroy()
  }
}
