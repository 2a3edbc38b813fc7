import type { SqlFault } from '../sql-error.ts'

/** By ORA number. */
const kinds: Readonly<Record<number, SqlFault['kind']>> = {
  1005: 'login',
  1017: 'login',
  28000: 'login',
  28001: 'login',
  12505: 'no database',
  12514: 'no database',
  1456: 'writes',
  16000: 'writes',
  1013: 'timeout',
  60: 'conflict',
  8177: 'conflict',
  1033: 'unreachable',
  1034: 'unreachable',
  3113: 'unreachable',
  3114: 'unreachable',
  3135: 'unreachable',
}
/** By the driver's own codes. */
const driverKinds: Readonly<Record<string, SqlFault['kind']>> = {
  'NJS-519': 'no database',
  'NJS-518': 'no database',
  'NJS-123': 'timeout',
}
/** Connections that fail, break or are refused. */
const connectionCodes = /^NJS-5(?:0\d|1[0-3]|2\d)$/

export function oracleFault(error: unknown): SqlFault {
  const {
    code = '',
    errorNum = 0,
    message = '',
  } = error as { code?: string; errorNum?: number; message?: string }
  const own = driverKinds[code]
  if (own !== undefined) return { kind: own, code }
  if (connectionCodes.test(code)) return { kind: 'unreachable', code }
  if (!code.startsWith('ORA-')) return { kind: 'unknown', code }
  // The lines behind it are the driver's, with an address of its help pages.
  return { kind: kinds[errorNum] ?? 'statement', code, message: message.split('\n')[0] ?? '' }
}
