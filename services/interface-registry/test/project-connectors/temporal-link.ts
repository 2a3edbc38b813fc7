import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

export interface TemporalLink {
  /** For TEMPORAL_ADDRESS. */
  address: string
  /** Temporal cannot be reached from now on. */
  cut(): void
  mend(): void
  close(): Promise<void>
}

/** The way to Temporal, which a test can cut without touching the server that other tests use. */
export async function startTemporalLink(temporalAddress: string): Promise<TemporalLink> {
  const [host, port] = temporalAddress.split(':') as [string, string]
  const sockets = new Set<Socket>()
  let isCut = false
  const server = createServer((near) => {
    if (isCut) {
      near.destroy()
      return
    }
    const far = connect(Number(port), host)
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const drop = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      isCut = true
      drop()
    },
    mend() {
      isCut = false
    },
    async close() {
      drop()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
