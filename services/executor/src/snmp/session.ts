import type { LookupAddress } from 'node:dns'
import { AppError } from '@opsconductor/errors'
import type { StepTools } from '../step-types/define-step-type.ts'
import { type AgentSocket, openAgentSocket } from './agent-socket.ts'
import { type LibrarySession, library, type Message, type Request, type Varbind } from './net-snmp.ts'
import { holdKeys } from './privacy.ts'
import { AgentRefusal, isSilence, sessionError, wrongAnswer } from './snmp-error.ts'
import { type SnmpUser, snmpUserOf } from './snmp-user.ts'

export interface AgentTarget {
  host: string
  port: number
  /** How long one datagram is waited for. */
  timeoutMs: number
  /** How often a request is sent again. */
  retries: number
}

/** Requests to one agent, one after the other. Each throws `AgentRefusal`, an `AppError`, or the signal's reason. */
export interface AgentSession {
  version: SnmpUser['version']
  /** `retries` of the target. */
  retries: number
  get(oids: string[]): Promise<Varbind[]>
  getNext(oid: string): Promise<Varbind[]>
  /** Sent `1 + retries` times. */
  getBulk(oid: string, repetitions: number, retries: number): Promise<Varbind[]>
  set(varbinds: Varbind[]): Promise<Varbind[]>
  close(): void
}

/** Of an agent's addresses the first is asked, IPv4 before IPv6. */
export async function openAgent(
  target: AgentTarget,
  tools: Pick<StepTools, 'credential' | 'reach' | 'signal'>,
) {
  tools.reach.assertCredentialMayGoTo(target.host)
  const addresses = await tools.reach.resolve(target.host, target.port)
  const [address] = addresses.toSorted((a, b) => a.family - b.family)
  return openSession(address as LookupAddress, target, snmpUserOf(tools.credential), tools.signal)
}

export async function openSession(
  address: LookupAddress,
  { port, timeoutMs, retries }: Omit<AgentTarget, 'host'>,
  user: SnmpUser,
  signal: AbortSignal,
): Promise<AgentSession> {
  const socket = await openAgentSocket(address, port, signal)
  const options = {
    ...{ port, timeout: timeoutMs, retries, backoff: 1 },
    version: { v1: library.Version1, v2c: library.Version2c, v3: library.Version3 }[user.version],
    dgramModule: { createSocket: () => socket.socket },
    ...(user.version === 'v3' ? { context: user.context } : {}),
  }
  const session =
    user.version === 'v3'
      ? library.createV3Session(address.address, user.user, options)
      : library.createSession(address.address, user.community, options)
  const keys = holdKeys()
  let heardNonsense = false
  // What cannot be parsed; the request goes on waiting for its answer.
  session.on('error', () => {
    heardNonsense = true
  })
  session.onSimpleGetResponse = (request, message) => takeAnswer(user, request, message)
  const ask = (retriesOf: number, send: Parameters<typeof exchange>[2]) => {
    session.retries = retriesOf
    socket.expectAnswers(8 * (1 + retriesOf))
    return exchange(socket, signal, send).catch((error: unknown) => {
      signal.throwIfAborted()
      const known = sessionError(error, whatSilenceMeans(user))
      throw heardNonsense && isSilence(known) ? wrongAnswer() : known
    })
  }
  return {
    version: user.version,
    retries,
    get: (oids) => ask(retries, (answered) => session.get(oids, answered)),
    getNext: (oid) => ask(retries, (answered) => session.getNext([oid], answered)),
    getBulk: (oid, repetitions, retriesOf) =>
      ask(retriesOf, (answered) => session.getBulk([oid], 0, repetitions, answered)),
    set: (varbinds) => ask(retries, (answered) => session.set(varbinds, answered)),
    close() {
      session.close()
      keys.release()
    },
  }
}

type Answered = Parameters<LibrarySession['get']>[1]

/** One request: until its answer, a fault of the socket, or the signal. */
function exchange(
  socket: AgentSocket,
  signal: AbortSignal,
  send: (answered: Answered) => void,
): Promise<Varbind[]> {
  return new Promise<Varbind[]>((resolve, reject) => {
    signal.throwIfAborted()
    const stop = () => finish(() => reject(signal.reason))
    const finish = (end: () => void) => {
      signal.removeEventListener('abort', stop)
      socket.onFault(() => {})
      end()
    }
    signal.addEventListener('abort', stop, { once: true })
    socket.onFault((fault) => finish(() => reject(fault)))
    send((error, varbinds) => finish(() => (error ? reject(error) : resolve(varbinds ?? []))))
  })
}

/**
 * Stands in for the library's own: that one takes an unauthenticated answer to an authenticated request, and does not
 * compare request ids under v3 (RFC 3412 section 7.2, RFC 3414 section 3.2).
 */
function takeAnswer(user: SnmpUser, request: Request, message: Message): void {
  const { pdu } = message
  if (!isAsProtected(user, message))
    request.responseCb(
      new AppError('target_failed', 'The agent answered without the protection that was asked for.'),
    )
  else if (pdu.id !== request.message.pdu.id) request.responseCb(wrongAnswer())
  else if (pdu.errorStatus !== 0) request.responseCb(new AgentRefusal(pdu.errorStatus, pdu.errorIndex - 1))
  else request.responseCb(null, pdu.varbinds)
}

function isAsProtected(user: SnmpUser, message: Message): boolean {
  if (user.version !== 'v3') return true
  const { authNoPriv, authPriv } = library.SecurityLevel
  const { level } = user.user
  if (level === authPriv && !message.hasPrivacy()) return false
  return (level !== authPriv && level !== authNoPriv) || Boolean(message.hasAuthentication())
}

const whatSilenceMeans = (user: SnmpUser): string =>
  user.version !== 'v3'
    ? 'A wrong community looks the same.'
    : user.user.level === library.SecurityLevel.authPriv
      ? 'A wrong privacy passphrase or protocol looks the same.'
      : 'There may be no agent at this address and port.'
