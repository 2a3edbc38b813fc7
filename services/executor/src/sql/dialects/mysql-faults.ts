import type { SqlFault } from '../sql-error.ts'

const kinds: Readonly<Record<number, SqlFault['kind']>> = {
  1045: 'login',
  1698: 'login',
  1049: 'no database',
  1792: 'writes',
  1317: 'timeout',
  1969: 'timeout',
  3024: 'timeout',
  1205: 'conflict',
  1213: 'conflict',
  // Too many connections, a server that stops, hosts it does not take.
  1040: 'unreachable',
  1053: 'unreachable',
  1129: 'unreachable',
  1130: 'unreachable',
}

/** By the server's error number, or by the driver's own code. */
export function mysqlFault(error: unknown): SqlFault {
  const {
    errno,
    code = '',
    message = '',
    sqlMessage,
  } = error as {
    errno?: number
    code?: string
    message?: string
    sqlMessage?: string
  }
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT') return { kind: 'tls', code, message: 'it does not speak TLS' }
  if (code === 'HANDSHAKE_SSL_ERROR') return { kind: 'tls', code, message: tlsText(message) }
  if (code.startsWith('PROTOCOL_')) return { kind: 'unreachable', code }
  if (sqlMessage === undefined || errno === undefined) return { kind: 'unknown', code }
  return { kind: kinds[errno] ?? 'statement', code: String(errno), message: sqlMessage }
}

/** The driver puts its own code in place of Node's. */
function tlsText(message: string): string {
  if (/expired/i.test(message)) return 'its certificate has expired'
  if (/altname|does not match/i.test(message)) return 'its certificate is for another name'
  return /certificate|signed/i.test(message) ? 'its certificate is not trusted' : 'it does not speak TLS 1.3'
}
