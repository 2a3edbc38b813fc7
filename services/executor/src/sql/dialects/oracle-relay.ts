import { once } from 'node:events'
import { type AddressInfo, createServer, isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect, type TLSSocket } from 'node:tls'
import { AppError } from '@opsconductor/errors'
import type { ConnectionWay } from '../dialect.ts'
import type { DatabaseTarget } from '../parse-dsn.ts'

/** TNS packets: two bytes of length, the type in the fifth byte, flags in the sixth. */
const packet = { accept: 2, refuse: 4, redirect: 5, resend: 11 }
const headBytes = 8
/** What comes before the server has accepted is shorter. */
const earlyBytesMax = 8_192
/** A RESEND with this flag: the listener gave the connection to another process, which begins TLS anew. */
const beginsTlsAnew = 0x08

export interface Relay {
  port: number
  /** Why it was closed, where that was our doing. */
  fault(): AppError | undefined
  close(): void
}

/**
 * Oracle's driver opens its own sockets, and follows a listener that sends it elsewhere. So it is given a loopback port that
 * takes one connection: behind it stand the checked connection to the database, with our TLS where the DSN wants it, and an
 * end to every redirection.
 */
export async function startRelay(
  stream: Duplex,
  target: DatabaseTarget,
  tls: ConnectionWay['tls'],
): Promise<Relay> {
  let fault: AppError | undefined
  let client: Socket | undefined
  let upstream = await secured(stream, target, tls)
  const server = createServer()
  const close = (why?: AppError) => {
    fault ??= why
    server.close()
    stream.destroy()
    client?.destroy()
  }
  server.once('connection', (socket) => {
    client = socket
    server.close()
    socket.setNoDelay(true)
    socket.on('error', () => close()).on('close', () => close())
    socket.on('data', (chunk) => pass(chunk, upstream, socket))
    listen(upstream, socket)
  })
  stream.on('close', () => close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, fault: () => fault, close }

  /** Looks at each packet until the server has accepted; from then on everything passes as it is. */
  function listen(from: Duplex, to: Socket): void {
    let early: Buffer | undefined = Buffer.alloc(0)
    from
      .on('error', (error) => close(error instanceof AppError ? error : undefined))
      .on('end', () => to.end())
    from.on('data', (chunk: Buffer) => {
      if (early === undefined) return pass(chunk, to, from)
      early = Buffer.concat([early, chunk])
      while (early !== undefined && early.length >= headBytes) {
        const length = early.readUInt16BE(0)
        if (length < headBytes || length > earlyBytesMax) return close()
        if (early.length < length) return
        const one = early.subarray(0, length)
        early = early.subarray(length)
        if (one[4] === packet.redirect) return close(redirected())
        if (one[4] === packet.accept || one[4] === packet.refuse) {
          to.write(Buffer.concat([one, early]))
          early = undefined
        } else if (one[4] === packet.resend && target.tls && ((one[5] ?? 0) & beginsTlsAnew) !== 0) {
          const plain = Buffer.from(one)
          plain[5] = (plain[5] ?? 0) & ~beginsTlsAnew
          from.removeAllListeners()
          from.on('error', () => close())
          void secured(stream, target, tls).then((next) => {
            upstream = next
            listen(next, to)
            to.write(plain)
          }, close)
          return
        } else to.write(one)
      }
    })
  }
}

function pass(chunk: Buffer, to: Duplex, from: Duplex): void {
  if (to.write(chunk)) return
  from.pause()
  to.once('drain', () => from.resume())
}

const redirected = () =>
  new AppError('outbound_denied', 'The listener sends its clients to another server: name that in the DSN.')

async function secured(
  stream: Duplex,
  { host, tls }: DatabaseTarget,
  options: ConnectionWay['tls'],
): Promise<Duplex> {
  if (tls === undefined) return stream
  const secure: TLSSocket = connect({
    socket: stream,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...options,
    rejectUnauthorized: tls.verify,
  })
  // It may break before the driver has come and anybody listens.
  secure.on('error', () => stream.destroy())
  await once(secure, 'secureConnect')
  return secure
}
