import { AppError } from '@opsconductor/errors'
import type { HostKeyVerdict } from './host-keys.ts'

/** What is said of a connection that failed, by the system's code; its own text quotes addresses. */
const socketFaults: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  ETIMEDOUT: 'it did not answer',
}

interface Ssh2Error {
  level?: string
  code?: unknown
  message?: string
}

/** Why a login did not come about, as the job's author is told; a server's own words are not quoted. */
export function loginError(error: unknown, isLoggingIn: boolean): AppError {
  if (error instanceof AppError) return error
  const { level, code, message = '' } = (error ?? {}) as Ssh2Error
  const internal = { level, code }
  if (level === 'client-authentication') return loginRefused(internal)
  if (level === 'client-timeout')
    return new AppError('step_timeout', 'The SSH server did not answer in time.', { internal })
  const [, what] = /no matching (.+)$/i.exec(message) ?? []
  if (what !== undefined)
    return new AppError(
      'target_refused',
      `The SSH server speaks only algorithms that are too weak to be used (${what}).`,
      { internal },
    )
  if (/signature verification failed/i.test(message))
    return new AppError('target_refused', 'The SSH server does not hold the host key that it shows.', {
      internal,
    })
  if (level === 'handshake' || level === 'protocol' || message.startsWith('Invalid identification'))
    return new AppError(
      'target_unreachable',
      'The target could not be reached: it does not speak SSH as it should.',
      {
        internal,
      },
    )
  if (isLoggingIn)
    return new AppError('target_unreachable', 'The SSH server closed the connection during the login.', {
      internal,
    })
  return connectionLost(error)
}

/** `refusedCredential` is how a check tells a wrong password from other refusals. */
const loginRefused = (internal: Record<string, unknown>) =>
  new AppError('target_refused', 'The SSH server refused the login with this user and credential.', {
    internal: { ...internal, refusedCredential: true },
  })

export function connectionLost(error?: unknown): AppError {
  if (error instanceof AppError) return error
  const code = String((error as Ssh2Error | undefined)?.code ?? '')
  return new AppError(
    'target_unreachable',
    `The target could not be reached: ${socketFaults[code] ?? 'the connection was closed'}.`,
    { internal: { code } },
  )
}

export function hostKeyError(
  verdict: Exclude<HostKeyVerdict, { kind: 'trusted' }>,
  { host, port }: { host: string; port: number },
): AppError {
  const { keyType, fingerprint } = verdict.shown
  const key = `${keyType.slice(0, 60)} ${fingerprint}`
  const where = `${host}:${port}`
  const texts: Record<typeof verdict.kind, string> = {
    unknown: `The host key of ${where} is not known (${key}). Compare it with the host's own and approve it.`,
    changed: `THE HOST KEY OF ${where} HAS CHANGED: it is now ${key}. Somebody may be listening in; approve the new key only if the host was given one.`,
    revoked: `The host ${where} shows a revoked key (${key}).`,
    bad_certificate: `The host certificate of ${where} is not to be trusted: ${'why' in verdict ? verdict.why : ''}.`,
  }
  return new AppError('target_refused', texts[verdict.kind], { internal: { hostKey: verdict.kind } })
}

const administrativelyProhibited = 1

/** Why the server opened no channel. `sessionsFull`: another connection may have room. */
export function channelError(error: unknown, isTunnel: boolean): AppError {
  if (error instanceof AppError) return error
  const { reason } = (error ?? {}) as { reason?: unknown }
  if (typeof reason !== 'number')
    return isTunnel
      ? connectionLost(error)
      : new AppError(
          'target_refused',
          'The SSH server does not offer what the step needs: commands, or SFTP.',
        )
  const internal = { reason, sessionsFull: !isTunnel }
  if (!isTunnel)
    return new AppError('target_refused', 'The SSH server opens no session (any more) on this connection.', {
      internal,
    })
  return reason === administrativelyProhibited
    ? new AppError('target_refused', 'The bastion does not allow tunnels, or not to this target.', {
        internal,
      })
    : new AppError('target_unreachable', 'The target could not be reached from the bastion.', { internal })
}
