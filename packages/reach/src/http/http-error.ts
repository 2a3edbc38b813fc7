import { AppError } from '@opsconductor/errors'
import { tlsFaults } from '../tls-faults.ts'
import { connectionFaults } from '../unreachable.ts'

const timeoutCodes = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
])
const invalidCodes = new Set(['UND_ERR_INVALID_ARG', 'ERR_INVALID_CHAR', 'ERR_INVALID_HTTP_TOKEN'])
const tooLargeCodes = new Set(['UND_ERR_HEADERS_OVERFLOW', 'HPE_HEADER_OVERFLOW'])

/** What is said of a connection that failed; the library's own text may quote addresses and headers. */
const reasons: Record<string, string> = {
  ...connectionFaults,
  UND_ERR_SOCKET: 'the connection was closed',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'its answer is not as long as it says',
}

/** A failed exchange as the step's error. `signal`'s own reason wins: it says whether time ran out or somebody cancelled. */
export function httpError(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (error instanceof AppError) return error
  const code = codeOf(error)
  if (timeoutCodes.has(code)) return new AppError('step_timeout', 'The target did not answer in time.')
  if (invalidCodes.has(code))
    return new AppError('validation_failed', 'A header or the URL holds characters that HTTP does not allow.')
  if (tooLargeCodes.has(code))
    return new AppError('target_answer_too_large', 'The target answered headers that are too large.')
  if (isDecompression(code))
    return new AppError('step_failed', 'The target compressed its answer, and it cannot be decompressed.')
  const reason = code.startsWith('HPE_')
    ? 'its answer is not HTTP'
    : (tlsFaults[code] ?? reasons[code] ?? 'the exchange failed')
  return new AppError('target_unreachable', `The target could not be reached: ${reason}.`, {
    internal: { code, tls: Object.hasOwn(tlsFaults, code) },
  })
}

/** Codes of node:zlib. */
const isDecompression = (code: string): boolean =>
  /^(?:Z_(?:DATA|BUF|NEED_DICT)|ERR__?(?:BROTLI|ERROR_FORMAT)|ERR_BROTLI|ZSTD_error|ERR_ZSTD)/.test(code)

function codeOf(error: unknown): string {
  const { code, cause, errors } = (error ?? {}) as { code?: unknown; cause?: unknown; errors?: unknown[] }
  if (typeof code === 'string') return code
  if (cause !== undefined) return codeOf(cause)
  return errors?.[0] === undefined ? '' : codeOf(errors[0])
}
