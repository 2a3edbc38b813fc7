import { once } from 'node:events'
import { isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { AppError } from '@opsconductor/errors'
import type { Reach } from '../reach.ts'
import { secureContextOf } from '../tls/secure-context.ts'
import { connectThroughProxy } from './connect-through-proxy.ts'
import type { Connection } from './connection.ts'

/** As undici's `Agent` takes it for `connect`. */
type Connector = (
  target: { hostname: string; protocol: string; port: string },
  callback: (...outcome: [null, Socket] | [Error, null]) => void,
) => void

/** Makes undici's connections the way that the step reaches its targets; the name stays what TLS certificates are checked against. */
export function checkedConnector(reach: Reach, connection: Connection): Connector {
  const { connectMs, proxy, tls } = connection
  const open = async (hostname: string, port: number, signal: AbortSignal): Promise<Duplex> => {
    const context = tls && secureContextOf(tls)
    const socket = await (proxy === undefined
      ? reach.connect(hostname, port, signal)
      : connectThroughProxy(reach, proxy, { hostname, port }, signal))
    socket.on('error', heardElsewhere)
    return context === undefined
      ? socket
      : secured(socket, hostname, { secureContext: context, rejectUnauthorized: tls?.verify ?? true }, signal)
  }
  return ({ hostname, protocol, port }, callback) => {
    const timeout = new AbortController()
    const timer = setTimeout(() => {
      timeout.abort(tooSlow(connectMs))
      // At once: looking up a name hears no signal.
      callback(timeout.signal.reason, null)
    }, connectMs)
    open(hostname, Number(port) || (protocol === 'https:' ? 443 : 80), timeout.signal).then(
      (socket) => {
        clearTimeout(timer)
        if (timeout.signal.aborted) socket.destroy()
        // undici asks of a connection only what every Duplex has.
        else callback(null, socket as Socket)
      },
      (error: Error) => {
        clearTimeout(timer)
        if (!timeout.signal.aborted) callback(error, null)
      },
    )
  }
}

async function secured(
  socket: Duplex,
  hostname: string,
  tls: Pick<ConnectionOptions, 'secureContext' | 'rejectUnauthorized'>,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
  const secure = connect({
    socket,
    host,
    ...(isIP(host) === 0 && { servername: host }),
    ...tls,
    ALPNProtocols: ['http/1.1'],
  })
  secure.on('error', heardElsewhere)
  try {
    await once(secure, 'secureConnect', { signal })
    return secure
  } catch (error) {
    secure.destroy()
    socket.destroy()
    throw error
  }
}

/** Between the hands that hold a connection nobody listens, and an error that nobody listens to ends the process. */
const heardElsewhere = () => {}

const tooSlow = (ms: number) =>
  new AppError('step_timeout', `The target did not take the connection within ${ms} ms.`)
