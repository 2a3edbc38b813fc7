import { AppError } from '@opsconductor/errors'
import { tlsFaults } from '../tls-faults.ts'

const unreachableCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])
const unreachableTexts =
  /Connection terminated|timeout expired|Timeout acquiring a connection|certificate|altnames|SSL|TLS|socket disconnected/i
/** SQLSTATE: connection lost, too many connections, server starting or stopping. */
const unreachableStates = /^(?:08...|53...|57P0[1-5])$/

/** A failed query as the step's error. PostgreSQL's own text is kept where it speaks of the statement. */
export function sqlError(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (error instanceof AppError) return error
  const {
    code = '',
    message = '',
    severity,
  } = (error ?? {}) as {
    code?: string
    message?: string
    severity?: string
  }
  const internal = { code }
  if (/^28/.test(code))
    return new AppError('step_failed', 'The database refused the credential: wrong user or password.', {
      internal,
    })
  // pg's own words; the server answered its TLS request with a no.
  const tlsFault = /does not support SSL/.test(message) ? 'it does not speak TLS' : tlsFaults[code]
  if (tlsFault !== undefined)
    return new AppError('target_unreachable', `The database could not be reached: ${tlsFault}.`, {
      internal: { code, tls: true },
    })
  if (code === '3D000') return new AppError('step_failed', "The DSN's database does not exist.", { internal })
  if (code === '25006')
    return new AppError('step_failed', 'sql.query only reads: the statement would have written.', {
      internal,
    })
  if (code === '57014')
    return new AppError('step_timeout', 'The database stopped the statement: it took too long.', { internal })
  if (
    unreachableCodes.has(code) ||
    unreachableStates.test(code) ||
    (code === '' && unreachableTexts.test(message))
  )
    return new AppError('target_unreachable', 'The database could not be reached.', { internal })
  if (severity !== undefined)
    return new AppError('step_failed', `The database refused the statement: ${message.slice(0, 500)}`, {
      internal,
    })
  return new AppError('step_failed', 'The statement could not be run.', { internal, cause: error })
}
