import { AppError } from '@opsconductor/errors'
import { unreachable } from '@opsconductor/reach'

/** What an agent answered instead of values. */
export class AgentRefusal extends Error {
  override readonly name = 'AgentRefusal'
  /** RFC 3416 section 3. */
  readonly status: number
  /** Of the variable that it is about, from 0; -1 where it names none. */
  readonly index: number

  constructor(status: number, index: number) {
    super(`error-status ${status}`)
    this.status = status
    this.index = index
  }
}

export const errorStatus = { tooBig: 1, noSuchName: 2, genErr: 5, resourceUnavailable: 13 } as const

/** The agent's no, in words; `oids` are those that were asked for. */
export function refusalError({ status, index }: AgentRefusal, oids: readonly string[]): AppError {
  const oid = oids[index]
  const isPassing = status === errorStatus.genErr || status === errorStatus.resourceUnavailable
  return new AppError(
    isPassing ? 'target_failed' : 'target_refused',
    `The agent refused${oid === undefined ? '' : ` ${oid}`}: ${meanings[status] ?? `error ${status}`}.`,
    { internal: { errorStatus: status, ...(status === 16 ? { refusedCredential: true } : {}) } },
  )
}

const meanings: Readonly<Record<number, string>> = {
  1: 'the answer would be too big for it',
  2: 'it has no such variable, or may not show it (noSuchName)',
  3: 'the value does not fit (badValue)',
  4: 'the variable can only be read (readOnly)',
  5: 'it failed in some way of its own (genErr)',
  6: 'the credential has no access (noAccess)',
  7: 'the type is wrong (wrongType)',
  8: 'the length is wrong (wrongLength)',
  9: 'the encoding is wrong (wrongEncoding)',
  10: 'the value is not allowed (wrongValue)',
  11: 'the variable cannot be created (noCreation)',
  12: 'the value does not fit the others now (inconsistentValue)',
  13: 'it lacks a resource (resourceUnavailable)',
  14: 'the change could not be made (commitFailed)',
  15: 'the change failed and could not be taken back (undoFailed)',
  16: 'the credential has no access (authorizationError)',
  17: 'the variable can only be read (notWritable)',
  18: 'the name does not fit the others now (inconsistentName)',
}

/** What the library says of reports (RFC 3414 section 3.2), which it knows by text only. */
const reports: readonly [text: RegExp, code: 'target_refused' | 'target_failed', message: string][] = [
  [/^Unknown User Name/, 'target_refused', 'The agent refused the credential: it does not know the user.'],
  [
    /^Wrong Digest/,
    'target_refused',
    'The agent refused the credential: the authentication passphrase or protocol is wrong.',
  ],
  [
    /^Unsupported Security Level/,
    'target_refused',
    'The agent refused the credential: the user has another security level there.',
  ],
  [
    /^(?:Decryption Error|Failed to decrypt)/,
    'target_refused',
    'The agent refused the credential: the privacy passphrase or protocol is wrong.',
  ],
  [/^(?:Not In Time Window|Message with engineBoots)/, 'target_failed', "The agent's clock has jumped."],
]

/** An error of the library as the step's. Its own texts quote addresses and digests. */
export function sessionError(error: unknown, whatSilenceMeans: string): AppError | AgentRefusal {
  if (error instanceof AppError || error instanceof AgentRefusal) return error
  const { name = '', message = '', syscall, code } = (error ?? {}) as Partial<NodeJS.ErrnoException>
  if (code === 'EMSGSIZE')
    return new AppError('step_failed', 'The request is too large for one datagram: ask for less at once.')
  if (syscall !== undefined) return unreachable(error)
  if (name === 'RequestTimedOutError')
    return new AppError('target_unreachable', `The agent did not answer. ${whatSilenceMeans}`, {
      internal: { timedOut: true },
    })
  const report = reports.find(([text]) => text.test(message))
  if (report !== undefined)
    return new AppError(report[1], report[2], {
      internal: { refusedCredential: report[1] === 'target_refused' },
    })
  // What we send was looked at before: what else the library stumbles over came from the agent.
  return wrongAnswer(error)
}

export const wrongAnswer = (cause?: unknown) =>
  new AppError('target_failed', 'The agent sent something that is not a valid answer.', { cause })

export const isSilence = (error: unknown): boolean =>
  error instanceof AppError && error.internal?.timedOut === true
