import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '@opsconductor/errors'
import { certificateRefused, handshakeError } from './handshake-error.ts'
import { isValidFor, judgeChain, type TlsReason } from './judge-chain.ts'
import { openTls, type TlsConnection, type TlsTarget, type TlsTools } from './open-tls.ts'
import { describeServed, type ServedCertificate, servedChain } from './served-chain.ts'

export interface TlsInspection {
  /** `TLSv1.2` or `TLSv1.3`. */
  protocol: string
  /** By its IANA name. */
  cipher: string
  chain: ServedCertificate[]
  /** Whole days until the server's own certificate ends; negative where it has. */
  daysLeft: number
  chainValid: boolean
  nameMatches: boolean
  reasons: TlsReason[]
  /** Whether the certificate is valid for a name that nobody was asked for. */
  isValidFor(name: string): boolean
}

const dayMs = 86_400_000

/**
 * What a TLS server shows, trusted or not. Where the step has a client certificate the server must be trusted and must
 * take it: throws `target_refused` otherwise. Throws what `openTls` throws.
 */
export async function inspectTls(
  target: TlsTarget,
  tools: TlsTools,
  now = new Date(),
): Promise<TlsInspection> {
  const isAnonymous = tools.clientCertificate === undefined
  const authorities = await tools.trust.authorities({ tls: { verify: true }, isAnonymous })
  const connection = await openTls(target, tools, authorities)
  const { socket } = connection
  try {
    const chain = servedChain(socket, authorities.bundles)
    const verdict = judgeChain(socket, chain, target.servername, now)
    if (tools.clientCertificate !== undefined) {
      assertTrusted(verdict.reasons)
      await assertTaken(connection, tools.signal)
    }
    const names = socket.getPeerCertificate()
    return {
      protocol: socket.getProtocol() ?? 'unknown',
      cipher: socket.getCipher().standardName,
      chain: chain.map(describeServed),
      daysLeft: Math.floor(((chain[0]?.validToDate.getTime() ?? 0) - now.getTime()) / dayMs),
      ...verdict,
      isValidFor: (name) => isValidFor(names, name),
    }
  } finally {
    socket.destroy()
  }
}

/** Node shows a certificate before the server can be judged, so this keeps none back; it tells that the wrong one saw it. */
function assertTrusted([reason]: readonly TlsReason[]): void {
  if (reason === undefined) return
  throw new AppError('target_unreachable', `The target is not to be trusted: ${reason.message}`, {
    internal: { code: reason.code, tls: true },
  })
}

/** How long a server that took the certificate may keep silent. */
const silenceMs = 1_000

/**
 * In TLS 1.3 a client is done before the server has looked at its certificate. One that takes it sends a session ticket or
 * waits for a request; one that does not closes the connection, with an alert or without.
 */
async function assertTaken(
  { socket, hasTicket, failure }: TlsConnection,
  signal: AbortSignal,
): Promise<void> {
  if (socket.getProtocol() !== 'TLSv1.3' || hasTicket()) return
  const over = new AbortController()
  const until = { signal: AbortSignal.any([signal, over.signal]) }
  socket.resume()
  try {
    const taken = await Promise.race([
      once(socket, 'session', until).then(() => true),
      once(socket, 'data', until).then(() => true),
      socket.closed ? hasTicket() : once(socket, 'close', until).then(hasTicket),
      delay(silenceMs, true, until),
    ])
    if (!taken && failure() !== undefined) throw failure()
    if (!taken)
      throw certificateRefused('The target closed the connection once it had seen the client certificate.')
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof AppError
      ? error
      : handshakeError(error, { certificateIsShown: true, versionMin: 'TLSv1.3' })
  } finally {
    over.abort()
  }
}
