import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Agent, type Dispatcher } from 'undici'
import type { Service } from '../entities/service.ts'
import type { Exchange } from '../plugins/plugin.ts'
import { sizeExceeded } from '../plugins/request-size-limiting.ts'
import { serverToken } from '../version.ts'
import { type Headers, hasBody, isUnread, latencies, sendOwn } from './answers.ts'
import type { NextPeer, Peer } from './balancer.ts'
import { headersToClient } from './forwarded-headers.ts'

export interface Forward {
  exchange: Exchange
  service: Service
  nextPeer: NextPeer
  /** Path and query for the upstream. */
  target: string
  headersFor(peer: Peer): Headers
}

interface NetworkError {
  code?: string
  syscall?: string
  /** One per address that was tried. */
  errors?: NetworkError[]
}

class BodyTooLarge extends Error {}
class NoPeer extends Error {}

const timedOut = ['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']

const unresolved = (error: unknown) => (error as NetworkError).syscall === 'getaddrinfo'

/** Nothing was sent, so another try cannot do anything twice. */
const neverConnected = ({ code, syscall, errors }: NetworkError): boolean =>
  code === 'UND_ERR_CONNECT_TIMEOUT' || syscall === 'connect' || (errors?.every(neverConnected) ?? false)

/** Pulled only as fast as the upstream takes it. The client's socket outlives it, so that a failure can be answered. */
async function* bodyOf(request: IncomingMessage, bytesMax: number) {
  let length = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += (chunk as Buffer).length
    if (length > bytesMax) throw new BodyTooLarge()
    yield chunk as Buffer
  }
}

export function createForwarder() {
  const agents = new Map<number, Agent>()

  const agentFor = (timeout: number): Agent => {
    const known = agents.get(timeout)
    if (known) return known
    // As Kong does by default: HTTP/1.1 to upstreams, whatever they offer, and no look at their certificates.
    const agent = new Agent({ allowH2: false, connect: { timeout, rejectUnauthorized: false } })
    agents.set(timeout, agent)
    return agent
  }

  /** Tries the next peer only where no connection was made. */
  async function send(forward: Forward, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { service, nextPeer, target, headersFor } = forward
    const { request, bodyBytesMax = Number.POSITIVE_INFINITY } = forward.exchange
    const readTimeout = service.read_timeout ?? 60_000
    for (let triesLeft = service.retries ?? 5; ; triesLeft -= 1) {
      const peer = nextPeer()
      if (!peer) throw new NoPeer()
      try {
        return await agentFor(service.connect_timeout ?? 60_000).request({
          origin: peer.origin,
          path: target,
          method: request.method as Dispatcher.HttpMethod,
          headers: headersFor(peer).flat(),
          body: hasBody(request) ? Readable.from(bodyOf(request, bodyBytesMax), { objectMode: false }) : null,
          headersTimeout: readTimeout,
          bodyTimeout: readTimeout,
          responseHeaders: 'raw',
          signal,
        })
      } catch (error) {
        if (triesLeft === 0 || !neverConnected(error as NetworkError)) throw error
      }
    }
  }

  return {
    async forward(forward: Forward): Promise<void> {
      const { exchange } = forward
      const { request, response, requestId } = exchange
      const clientGone = new AbortController()
      response.once('close', () => clientGone.abort())
      const sentAt = performance.now()
      try {
        const answer = await send(forward, clientGone.signal)
        const headers = headersToClient(answer.headers as unknown as string[], exchange.toClient)
        headers.push(...latencies(exchange, sentAt), ['X-Kong-Request-Id', requestId])
        if (isUnread(request)) headers.push(['Connection', 'close'])
        response.writeHead(answer.statusCode, headers.flat())
        await pipeline(answer.body, response)
      } catch (error) {
        fail(exchange, error, sentAt)
      }
    },
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()))
    },
  }
}

function fail(exchange: Exchange, error: unknown, sentAt: number): void {
  const { toClient: headers } = exchange
  if (error instanceof NoPeer) {
    sendOwn(exchange, { status: 503, body: 'failure to get a peer from the ring-balancer', headers })
  } else if (error instanceof BodyTooLarge) {
    sendOwn(exchange, { status: 413, body: sizeExceeded, headers })
  } else if (unresolved(error)) {
    sendOwn(exchange, { status: 503, body: 'name resolution failed', headers })
  } else {
    const [status, body] = timedOut.includes((error as NetworkError).code ?? '')
      ? [504, 'The upstream server is timing out']
      : [502, 'An invalid response was received from the upstream server']
    sendOwn(exchange, { status, body, headers: [...headers, ['Via', `1.1 ${serverToken}`]] }, sentAt)
  }
}
