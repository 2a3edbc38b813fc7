import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { AppError } from '@opsconductor/errors'
import type { Reach } from '../reach.ts'

/**
 * A tunnel through an HTTP proxy (RFC 9110 section 9.3.6). The target's name is resolved and checked here, and the proxy
 * is told the address: what it would resolve the name to, nobody has checked.
 */
export async function connectThroughProxy(
  reach: Reach,
  proxy: URL,
  target: { hostname: string; port: number },
  signal: AbortSignal,
): Promise<Duplex> {
  const [checked] = await reach.resolve(target.hostname, target.port)
  const address = checked?.address ?? ''
  const authority = `${isIP(address) === 6 ? `[${address}]` : address}:${target.port}`
  const socket = await reach.connect(proxy.hostname, Number(proxy.port) || 80, signal)
  socket.on('error', () => {})
  const asking = request({
    method: 'CONNECT',
    path: authority,
    headers: { host: authority },
    createConnection: () => socket as Socket,
    signal,
  })
  try {
    return await tunnelOf(asking, socket, signal)
  } catch (error) {
    asking.on('error', () => {}).destroy()
    socket.destroy()
    throw error
  }
}

async function tunnelOf(asking: ClientRequest, socket: Duplex, signal: AbortSignal): Promise<Duplex> {
  asking.end()
  const [answer, , head] = (await once(asking, 'connect', { signal }).catch((error: unknown) => {
    signal.throwIfAborted()
    throw error instanceof AppError ? error : failed('did not answer as an HTTP proxy does')
  })) as [IncomingMessage, Duplex, Buffer]
  const { statusCode = 0 } = answer
  if (statusCode === 407) throw new AppError('target_refused', 'The proxy asks for a login (407).')
  if (statusCode >= 500) throw failed(`could not reach the target (${statusCode})`)
  if (statusCode < 200 || statusCode > 299)
    throw new AppError('target_refused', `The proxy refused the connection (${statusCode}).`)
  if (head.length > 0) socket.unshift(head)
  return socket
}

const failed = (what: string) => new AppError('target_unreachable', `The proxy ${what}.`)
