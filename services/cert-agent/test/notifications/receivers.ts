import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestCertificates } from '@opsconductor/test-peers'

export interface ReceivedHook {
  path: string
  headers: IncomingHttpHeaders
  body: string
}

/** An https server on loopback that takes what it is sent, or answers as told, in turn. */
export async function startHook({ server: certificate }: TestCertificates) {
  const received: ReceivedHook[] = []
  const answers: (number | { status: number; location: string })[] = []
  const server = createServer(certificate, async (message, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of message) chunks.push(chunk as Buffer)
    received.push({
      path: message.url ?? '',
      headers: message.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    })
    const answer = answers.shift() ?? 200
    if (typeof answer === 'number') response.writeHead(answer).end('ok')
    else response.writeHead(answer.status, { location: answer.location }).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    received,
    answers,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
