import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export interface PeerRequest {
  method: string
  /** Without the query; percent-encoding as it came. */
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: string
  /** Whether the client showed a certificate that the peer's authority signed. */
  authorized: boolean
}

export interface PeerAnswer {
  status: number
  headers?: Record<string, string>
  /** JSON unless it is a text already. */
  body?: unknown
}

interface Options {
  tls?: { key: string; cert: string; ca?: string; requestCert?: boolean }
  answer(request: PeerRequest): PeerAnswer | Promise<PeerAnswer>
}

/** A server on a free port of 127.0.0.1, for peers that speak JSON over HTTP. */
export async function startJsonServer({ tls, answer }: Options) {
  const requests: PeerRequest[] = []
  const listener: RequestListener = async (message, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of message) chunks.push(chunk as Buffer)
    const [path = '', search = ''] = (message.url ?? '').split(/\?(.*)/s)
    const request: PeerRequest = {
      method: message.method ?? '',
      path,
      query: new URLSearchParams(search),
      headers: message.headers,
      body: Buffer.concat(chunks).toString('utf8'),
      authorized: (message.socket as { authorized?: boolean }).authorized === true,
    }
    requests.push(request)
    const { status, headers = {}, body } = await answer(request)
    const isText = typeof body === 'string' || body === undefined
    response.writeHead(status, { ...(isText ? {} : { 'content-type': 'application/json' }), ...headers })
    response.end(isText ? body : `${JSON.stringify(body)}\n`)
  }
  const server =
    tls === undefined
      ? createServer(listener)
      : createTlsServer({ ...tls, rejectUnauthorized: false }, listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    /** What was asked so far, oldest first. */
    requests: requests as readonly PeerRequest[],
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
