import type { LookupAddress } from 'node:dns'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { AppError } from '@opsconductor/errors'
import { unreachable } from './unreachable.ts'

const connectMsMax = 10_000

/** Tries the addresses in order until one takes the connection. */
export async function connectDirectly(
  addresses: readonly LookupAddress[],
  port: number,
  signal: AbortSignal,
): Promise<Socket> {
  let refusal: unknown
  for (const { address } of addresses)
    try {
      return await connectTo(address, port, signal)
    } catch (error) {
      signal.throwIfAborted()
      refusal = error
    }
  throw refusal
}

async function connectTo(address: string, port: number, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted()
  const socket = connect({ host: address, port, noDelay: true, keepAlive: true })
  const timeout = AbortSignal.timeout(connectMsMax)
  try {
    await once(socket, 'connect', { signal: AbortSignal.any([signal, timeout]) })
    return socket
  } catch (error) {
    socket.on('error', () => {}).destroy()
    if (timeout.aborted) throw new AppError('step_timeout', 'The target did not take the connection in time.')
    throw unreachable(error)
  }
}
