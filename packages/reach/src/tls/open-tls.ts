import { once } from 'node:events'
import { isIP } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import type { Authorities } from '../authorities.ts'
import { clientCertificateOf } from '../client-certificate.ts'
import type { HeldCredential } from '../held-credential.ts'
import type { ProjectTrust } from '../project-trust.ts'
import type { Reach } from '../reach.ts'
import { handshakeError } from './handshake-error.ts'
import { secureContextOf } from './secure-context.ts'

export interface TlsTarget {
  host: string
  port: number
  /** What the server is asked for and its certificate is held against. */
  servername: string
}

export interface TlsConnection {
  socket: TLSSocket
  /** Whether the server has sent a session ticket: in TLS 1.3 it does so once it has taken the client. */
  hasTicket(): boolean
  /** Why the connection broke after the handshake; undefined where it did not. */
  failure(): unknown
}

export interface TlsTools {
  reach: Reach
  trust: ProjectTrust
  /** Of type x509: what is shown to targets that ask who connects. */
  clientCertificate: HeldCredential | undefined
  signal: AbortSignal
}

/**
 * A TLS connection whose certificate nobody has judged: `authorizationError` has OpenSSL's verdict on the chain, under
 * the authorities. For looking only: nothing is to be sent over it, so TLS 1.2 will do; where a client
 * certificate is shown, only where the project's policy says so.
 * Throws `outbound_denied`, `target_unreachable`, `target_refused` (the client certificate), or the signal's reason.
 */
export async function openTls(
  { host, port, servername }: TlsTarget,
  { clientCertificate, reach, signal }: Omit<TlsTools, 'trust'>,
  authorities: Authorities,
): Promise<TlsConnection> {
  if (clientCertificate !== undefined) reach.assertCredentialMayGoTo(host)
  const versionMin = clientCertificate === undefined ? 'TLSv1.2' : reach.tlsVersionMin(host)
  const secureContext = secureContextOf({
    versionMin,
    verify: false,
    authorities,
    certificate: clientCertificate && clientCertificateOf(clientCertificate),
  })
  const socket = connect({
    socket: await reach.connect(host, port, signal),
    secureContext,
    servername: isIP(servername) === 0 ? servername : '',
    rejectUnauthorized: false,
    // The name is judged apart, so that what is wrong with it hides nothing else.
    checkServerIdentity: () => undefined,
  })
  const seen: { ticket: boolean; failure: unknown } = { ticket: false, failure: undefined }
  // Both may come together with the handshake's end, before anybody waits for them.
  socket.once('session', () => {
    seen.ticket = true
  })
  socket.on('error', (error) => {
    seen.failure = error
  })
  try {
    await Promise.race([
      once(socket, 'secureConnect', { signal }),
      // What comes through a bastion may be gone without an error.
      once(socket, 'close', { signal }).then(() => Promise.reject({ code: 'ECONNRESET' })),
    ])
    return { socket, hasTicket: () => seen.ticket, failure: () => seen.failure }
  } catch (error) {
    socket.destroy()
    signal.throwIfAborted()
    throw handshakeError(error, { certificateIsShown: clientCertificate !== undefined, versionMin })
  }
}
