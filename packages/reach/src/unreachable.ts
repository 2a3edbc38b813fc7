import { AppError } from '@opsconductor/errors'

/** What is said of a connection that failed, by the system's code; its own text quotes addresses. */
export const connectionFaults: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  ENOTFOUND: 'its name does not resolve',
  EAI_AGAIN: 'its name could not be resolved',
}

export function unreachable(error: unknown): AppError {
  const code = String((error as { code?: unknown } | null)?.code ?? '')
  return new AppError(
    'target_unreachable',
    `The target could not be reached: ${connectionFaults[code] ?? 'the connection failed'}.`,
    { internal: { code } },
  )
}
