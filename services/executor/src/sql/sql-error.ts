import { AppError } from '@opsconductor/errors'
import { tlsFaults } from '@opsconductor/reach'

/** What a driver's error means, in one word for all dialects. */
export interface SqlFault {
  kind:
    | 'login'
    | 'no database'
    | 'writes'
    | 'timeout'
    /** A deadlock or a conflict between transactions, of which the database ended ours. */
    | 'conflict'
    | 'unreachable'
    /** `message` says why there is no TLS, as in "it does not speak TLS". */
    | 'tls'
    /** It refused the statement; `message` is its own. */
    | 'statement'
    | 'unknown'
  code: string
  message?: string
}

const connectionCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
])
const connectionTexts =
  /Connection terminated|connection (?:is |was )?(?:lost|closed)|closed state|not queryable|Timeout acquiring a connection|certificate|altnames|SSL|TLS|socket (?:disconnected|hang up)/i

/** A failed statement or login as the step's error. The database's own text is kept where it speaks of the statement. */
export function sqlError(error: unknown, faultOf: (error: unknown) => SqlFault): AppError {
  const known = chain(error).find((one) => one instanceof AppError)
  if (known instanceof AppError) return known
  const tls = chain(error)
    .map(({ code }) => tlsFaults[String(code)])
    .find((text) => text !== undefined)
  if (tls !== undefined) return noTls(tls)
  const own = faultOf(error)
  const fault = own.kind === 'unknown' ? (connectionFault(error) ?? own) : own
  const internal = { code: fault.code }
  switch (fault.kind) {
    case 'login':
      return new AppError('step_failed', 'The database refused the credential: wrong user or password.', {
        internal: { ...internal, refusedCredential: true },
      })
    case 'no database':
      return new AppError('step_failed', "The DSN's database does not exist.", { internal })
    case 'writes':
      return new AppError('step_failed', 'sql.query only reads: the statement would have written.', {
        internal,
      })
    case 'timeout':
      return new AppError('step_timeout', 'The database stopped the statement: it took too long.', {
        internal,
      })
    case 'conflict':
      return new AppError(
        'target_failed',
        'The database ended the transaction because of another one (a deadlock or a conflict); nothing was changed.',
        { internal },
      )
    case 'unreachable':
      return new AppError('target_unreachable', 'The database could not be reached.', { internal })
    case 'tls':
      return noTls(fault.message ?? '')
    case 'statement':
      return new AppError('step_failed', `The database refused the statement: ${oneLine(fault.message)}`, {
        internal,
      })
    default:
      return new AppError('step_failed', 'The statement could not be run.', { internal, cause: error })
  }
}

const noTls = (why: string) =>
  new AppError('target_unreachable', `The database could not be reached: ${why}.`, {
    internal: { tls: true },
  })

const chainMax = 5

interface Link {
  code?: unknown
  message?: unknown
  cause?: unknown
}

function chain(error: unknown): Link[] {
  const errors: Link[] = []
  for (
    let one = error;
    typeof one === 'object' && one !== null && errors.length < chainMax;
    one = errors.at(-1)?.cause
  )
    errors.push(one)
  return errors
}

function connectionFault(error: unknown): SqlFault | undefined {
  const errors = chain(error)
  const isOfConnection = ({ code }: Link) =>
    connectionCodes.has(String(code)) || /^ERR_SSL_/.test(String(code))
  const code = String(errors.find(isOfConnection)?.code ?? '')
  if (code !== '') return { kind: 'unreachable', code }
  const { code: own, message } = errors[0] ?? {}
  return own === undefined && connectionTexts.test(String(message))
    ? { kind: 'unreachable', code: '' }
    : undefined
}

const textMax = 500

const oneLine = (text = ''): string =>
  text
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, textMax)
