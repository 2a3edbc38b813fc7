import { AppError } from '@opsconductor/errors'
import type { SFTPWrapper } from 'ssh2'
import type { SshConnection } from './connection.ts'
import { connectionLost } from './ssh-error.ts'

/** SSH_FX_… of draft-ietf-secsh-filexfer-02. */
export const sftpStatus = { noSuchFile: 2, permissionDenied: 3, failure: 4, unsupported: 8 } as const

/** One request over SFTP; ends with `signal`'s reason where the server does not answer. `what` completes "The server could not …". */
export function sftpCall<T = void>(
  signal: AbortSignal,
  what: string,
  ask: (answer: (error: Error | null | undefined, value?: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    const settle = () => signal.removeEventListener('abort', stop)
    if (signal.aborted) {
      stop()
      return
    }
    signal.addEventListener('abort', stop, { once: true })
    try {
      ask((error, value) => {
        settle()
        if (error) reject(sftpError(error, what))
        else resolve(value as T)
      })
    } catch (error) {
      settle()
      reject(sftpError(error, what))
    }
  })
}

export const statusOf = (error: unknown): number | undefined => {
  const status = error instanceof AppError ? error.internal?.sftpStatus : undefined
  return typeof status === 'number' ? status : undefined
}

function sftpError(error: unknown, what: string): AppError {
  const { code, message = '' } = error as { code?: unknown; message?: string }
  if (/not support/.test(message))
    return failed(`The server could not ${what}: it does not know how to.`, sftpStatus.unsupported)
  if (typeof code !== 'number') return connectionLost()
  const reasons: Record<number, string> = {
    [sftpStatus.noSuchFile]: 'there is no such file or folder',
    [sftpStatus.permissionDenied]: 'permission was denied',
    [sftpStatus.unsupported]: 'it does not know how to',
  }
  return failed(`The server could not ${what}: ${reasons[code] ?? 'it failed'}.`, code)
}

const failed = (text: string, status: number) =>
  new AppError('step_failed', text, { internal: { sftpStatus: status } })

/** An SFTP session that ends with `work`, whose signal also fires when the session ends or the connection breaks. */
export async function withSftp<T>(
  connection: SshConnection,
  signal: AbortSignal,
  work: (sftp: SFTPWrapper, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { sftp, ended } = await connection.sftp(signal)
  try {
    return await work(sftp, AbortSignal.any([signal, connection.closed, ended]))
  } finally {
    sftp.end()
  }
}
