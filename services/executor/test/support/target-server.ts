import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'

export interface Received {
  method: string
  /** Path and query as they came. */
  url: string
  headers: IncomingHttpHeaders
  body: string
}

/** A real HTTP server for steps to reach; `answer` decides, and what was received is kept. */
export async function startTarget(
  answer: (received: Received, response: ServerResponse) => void | Promise<void>,
) {
  const received: Received[] = []
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const seen = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      }
      received.push(seen)
      void answer(seen, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    received,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}
