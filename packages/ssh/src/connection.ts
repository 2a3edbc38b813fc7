import type { Duplex } from 'node:stream'
import { AppError } from '@opsconductor/errors'
import type { Client, ClientChannel, SFTPWrapper } from 'ssh2'
import { channelError, connectionLost } from './ssh-error.ts'
import { killCommand } from './ssh2-internals.ts'
import { tunnelStream } from './tunnel-stream.ts'

/** A connection that is logged in. Its channels are many; how many sessions, the server decides. */
export interface SshConnection {
  /**
   * Starts a command line in the login shell. `follow` gets the channel at once: what a short command does may come with
   * the same packet. Throws `target_refused` where the server opens no more sessions.
   */
  exec<T>(line: string, signal: AbortSignal, follow: (channel: ClientChannel) => T): Promise<T>
  /** Asks the server to kill what runs in the channel; OpenSSH since 7.9 does. */
  kill(channel: ClientChannel): void
  sftp(signal: AbortSignal): Promise<SftpSession>
  /** A TCP connection from the server to a target, which can be used as a socket is. */
  forward(host: string, port: number, signal: AbortSignal): Promise<Duplex>
  isOpen(): boolean
  /** Fires when it is no longer open. What waits for an answer then would wait for ever. */
  closed: AbortSignal
  /** Ends it at once, with all channels. */
  close(): void
}

export interface SftpSession {
  sftp: SFTPWrapper
  /** Fires when the server has ended it, or spoke nonsense. What is asked then would wait for ever. */
  ended: AbortSignal
}

const sessionEnded = () => new AppError('target_failed', 'The server ended the SFTP session too early.')

export function createConnection(client: Client, socket: Duplex): SshConnection {
  const closing = new AbortController()
  const isOpen = () => !closing.signal.aborted
  const close = () => {
    if (!isOpen()) return
    closing.abort(connectionLost())
    client.end()
    socket.destroy()
  }
  // An error is followed by a broken connection in any case.
  client.on('error', close).on('end', close).on('close', close)
  /** One channel; what comes after nobody waits any more is discarded. */
  const open = <Channel, T>(
    ask: (answer: (error: Error | undefined, channel: Channel) => void) => void,
    signal: AbortSignal,
    to: { take(channel: Channel): T; discard(channel: Channel): void; isTunnel?: true },
  ): Promise<T> =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted()
      if (!isOpen()) throw connectionLost()
      const stop = () => reject(signal.reason)
      signal.addEventListener('abort', stop, { once: true })
      try {
        ask((error, channel) => {
          signal.removeEventListener('abort', stop)
          if (error) reject(isOpen() ? channelError(error, to.isTunnel === true) : connectionLost())
          else if (signal.aborted) to.discard(channel)
          else resolve(to.take(channel))
        })
      } catch {
        // ssh2 throws where the socket ended and nobody was told yet.
        signal.removeEventListener('abort', stop)
        reject(connectionLost())
      }
    })
  return {
    exec: (line, signal, follow) =>
      open<ClientChannel, ReturnType<typeof follow>>((answer) => client.exec(line, answer), signal, {
        take: follow,
        discard(channel) {
          killCommand(client, channel)
          channel.close()
        },
      }),
    kill: (channel) => killCommand(client, channel),
    sftp: (signal) =>
      open<SFTPWrapper, SftpSession>((answer) => client.sftp(answer), signal, {
        take(sftp) {
          const ending = new AbortController()
          const end = () => ending.abort(sessionEnded())
          sftp.on('error', end).on('close', end)
          return { sftp, ended: ending.signal }
        },
        discard: (sftp) => sftp.on('error', () => {}).end(),
      }),
    forward: (host, port, signal) =>
      open<ClientChannel, Duplex>((answer) => client.forwardOut('127.0.0.1', 0, host, port, answer), signal, {
        isTunnel: true,
        take: (channel) => tunnelStream(channel, isOpen),
        discard: (channel) => channel.close(),
      }),
    isOpen,
    closed: closing.signal,
    close,
  }
}
