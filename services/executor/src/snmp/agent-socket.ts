import { createSocket } from 'node:dgram'
import type { LookupAddress } from 'node:dns'
import { once } from 'node:events'
import { AppError } from '@opsconductor/errors'
import { unreachable } from '@opsconductor/reach'
import { wrongAnswer } from './snmp-error.ts'

/** What net-snmp calls of a dgram socket. */
interface LibrarySocket {
  on(event: 'message' | 'close' | 'error', listener: (argument: never) => void): void
  send(
    datagram: Buffer,
    offset: number,
    length: number,
    port: number,
    address: string,
    sent: (error: Error | null) => void,
  ): void
  ref(): void
  unref(): void
  close(): void
}

export interface AgentSocket {
  socket: LibrarySocket
  /** Called where the request under way cannot end well any more. */
  onFault(tell: (fault: AppError) => void): void
  /** To be called before each request: an agent may answer each so often and no more. */
  expectAnswers(max: number): void
}

/**
 * A UDP socket that hears nobody but the address it is connected to. net-snmp looks at neither sender nor number of
 * datagrams, and what it throws on a hostile one would end the process.
 */
export async function openAgentSocket(
  { address, family }: LookupAddress,
  port: number,
  signal: AbortSignal,
): Promise<AgentSocket> {
  signal.throwIfAborted()
  const real = createSocket(family === 6 ? 'udp6' : 'udp4')
  try {
    real.connect(port, address)
    await once(real, 'connect', { signal })
  } catch (error) {
    real.close()
    signal.throwIfAborted()
    throw unreachable(error)
  }
  let tellFault = (_: AppError) => {}
  let answersLeft = 0
  let isClosed = false
  real.on('error', (error) => tellFault(unreachable(error)))
  const guarded = (take: (datagram: Buffer) => void) => (datagram: Buffer) => {
    if (isClosed) return
    if (answersLeft-- <= 0) {
      tellFault(new AppError('target_failed', 'The agent keeps answering one and the same request.'))
      return
    }
    try {
      take(datagram)
    } catch (error) {
      tellFault(wrongAnswer(error))
    }
  }
  return {
    onFault(tell) {
      tellFault = tell
    },
    expectAnswers(max) {
      answersLeft = max
    },
    socket: {
      on(event, listener) {
        if (event === 'message') real.on('message', guarded(listener as (datagram: Buffer) => void))
        // Errors are told above; the library would emit them under a name of its own.
        if (event === 'close') real.on('close', listener as () => void)
      },
      send(datagram, offset, length, _port, _address, sent) {
        if (isClosed) return
        real.send(datagram, offset, length, (error) => {
          if (!isClosed) sent(error)
        })
      },
      ref: () => void real.ref(),
      unref: () => void real.unref(),
      close() {
        if (isClosed) return
        isClosed = true
        real.close()
      },
    },
  }
}
