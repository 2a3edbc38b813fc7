import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** The upstreams of the recordings: one that echoes, one that never answers, one that hangs up, one closed port. */
export async function startUpstreams() {
  const echo = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method, url, httpVersion, rawHeaders } = request
      const status = Number(request.headers['x-want-status'] ?? 200)
      response.writeHead(status, { 'Content-Type': 'application/json', 'X-Upstream': 'echo' })
      const body = Buffer.concat(chunks).toString('utf8')
      response.end(JSON.stringify({ method, url, httpVersion, rawHeaders, body, port: echoPort }))
    })
  })
  const silent = createServer(() => undefined)
  const rude = createServer((request) => request.socket.destroy())
  const closed = createServer()
  const [echoPort, silentPort, rudePort, closedPort] = [
    await listen(echo),
    await listen(silent),
    await listen(rude),
    await listen(closed),
  ]
  await new Promise((resolve) => closed.close(resolve))
  return {
    /** Port of the recording → port here. */
    ports: new Map([
      [18080, echoPort],
      [18099, silentPort],
      [18098, closedPort],
      [18097, rudePort],
    ]),
    async stop() {
      for (const server of [echo, silent, rude]) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    },
  }
}
