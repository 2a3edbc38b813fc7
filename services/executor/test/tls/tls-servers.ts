import { once } from 'node:events'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer, type TlsOptions } from 'node:tls'
import { certificatesToPem, keyToPem } from '../../../../packages/x509/src/index.ts'
import type { Identity } from '../../../../packages/x509/test/make-certificate.ts'

const open: (() => Promise<void>)[] = []

/** A real TLS server on loopback; answers its port. */
export async function startTls(options: TlsOptions): Promise<number> {
  const server = createServer(options, (socket) => {
    socket.on('error', () => {})
    socket.resume()
  })
  server.on('tlsClientError', () => {})
  return await listen(server)
}

/** A server that does with its connections what it likes. */
export const startTcp = (onConnection: (socket: Socket) => void): Promise<number> =>
  listen(
    createTcpServer((socket) => {
      socket.on('error', () => {})
      onConnection(socket)
    }),
  )

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as { port: number }).port
}

export async function stopServers(): Promise<void> {
  for (const stop of open.splice(0)) await stop()
}

/** What a server shows: its own certificate, and what it sends along. */
export const shown = (leaf: Identity, ...others: Identity[]): { key: string; cert: string } => ({
  key: keyToPem(leaf.key),
  cert: pemOf(leaf, ...others),
})

export const pemOf = (...identities: Identity[]): string =>
  certificatesToPem(identities.map(({ certificate }) => certificate))
