import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { SMTPTransportGetSocket } from 'nodemailer/lib/smtp-transport'
import { isLoopback } from './loopback.ts'
import type { Notification } from './notification.ts'
import type { Outcome } from './outcome.ts'

export interface MailServer {
  host: string
  port: number
  /** RFC 8314: TLS from the first byte, or STARTTLS, which is demanded. `none` is for this machine's own server only. */
  security: 'tls' | 'starttls' | 'none'
  username: string
  password: string
  /** PEM of the authorities that its certificate is held against; Node's own where it is left out. */
  ca?: string[] | undefined
  /** Opens the connection; straight to `host` where it is left out. */
  connect?: ((signal: AbortSignal) => Promise<Duplex>) | undefined
}

/** One recipient, so that each is known to have it or not, and none sees the others. */
export interface Email {
  to: string
  server: MailServer
}

const subjectCharactersMax = 200

/** Never rejects. A server's own words are not repeated: they may quote what it was sent. */
export async function sendEmail(
  { to, server }: Email,
  notification: Notification,
  { at, signal, timeoutMs }: { at: Date; signal: AbortSignal; timeoutMs: number },
): Promise<Outcome> {
  const { host, port, security, username, password, ca, connect } = server
  if (security === 'none' && !isLoopback(host))
    return { state: 'refused', why: 'mail goes to other machines over TLS only' }
  const { createTransport } = await import('nodemailer')
  const transport = createTransport({
    ...{ host, port, secure: security === 'tls', requireTLS: security === 'starttls' },
    ignoreTLS: security === 'none',
    auth: { user: username, pass: password },
    // A server that asks for no login is not the one that was meant.
    forceAuth: true,
    tls: { minVersion: 'TLSv1.2', ...(ca && { ca }) },
    ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs },
    ...{ disableFileAccess: true, disableUrlAccess: true },
    ...(connect && { getSocket: socketBy(connect, signal) }),
  })
  try {
    await transport.sendMail({ ...messageOf(notification, { from: senderOf(server), to, at }), signal })
    return { state: 'delivered', why: '' }
  } catch (error) {
    return outcomeOf(error)
  } finally {
    transport.close()
  }
}

const socketBy =
  (connect: NonNullable<MailServer['connect']>, signal: AbortSignal): SMTPTransportGetSocket =>
  (_options, done) => {
    connect(signal).then(
      // nodemailer uses it as any stream.
      (socket) => done(null, { connection: socket as Socket }),
      (error: unknown) => done(error as Error, false),
    )
  }

const senderOf = ({ username, host }: MailServer): string =>
  /^[^\s@<>,;:"]+@[^\s@<>,;:"]+$/.test(username) ? username : `opsconductor@${host}`

function messageOf(
  { id, type, title, text, facts }: Notification,
  { from, to, at }: { from: string; to: string; at: Date },
) {
  const lines = Object.entries(facts).map(([name, value]) => `${name}: ${oneLine(String(value))}`)
  return {
    from: { name: 'OpsConductor', address: from },
    to: { name: '', address: to },
    subject: oneLine(title).slice(0, subjectCharactersMax),
    text: [text, '', ...lines].join('\n'),
    date: at,
    // The same whenever it is sent again.
    messageId: `<${id}@opsconductor.invalid>`,
    headers: { 'Auto-Submitted': 'auto-generated', 'X-OpsConductor-Type': oneLine(type) },
  }
}

const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')

/** RFC 5321: what begins with 5 stays so. */
function outcomeOf(error: unknown): Outcome {
  const { code = 'failed', responseCode } = error as { code?: string; responseCode?: number }
  const why = responseCode === undefined ? code : `answered ${responseCode}`
  const stays = (responseCode ?? 0) >= 500 || code === 'EAUTH' || code === 'ENOAUTH' || code === 'ETLS'
  return { state: stays ? 'refused' : 'again', why }
}
