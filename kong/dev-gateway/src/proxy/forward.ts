import { Agent, type Dispatcher } from 'undici'
import type { Service } from '../entities/service.ts'
import type { Exchange } from '../plugins/plugin.ts'
import { sizeExceeded } from '../plugins/request-size-limiting.ts'
import { serverToken } from '../version.ts'
import { type Arrived, errorBodyFor, hasUnreadBody, refuse, sendOwn } from './answers.ts'
import type { NextPeer, Peer } from './balancer.ts'
import { headersToClient } from './forwarded-headers.ts'
import { bodyFor, stop, stopped } from './request-body.ts'

export interface Forward {
  arrived: Arrived
  exchange: Exchange
  service: Service
  nextPeer: NextPeer
  /** Path and query for the upstream. */
  target: string
  headersFor(peer: Peer): string[]
}

const timedOut = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
  stopped.write,
])
const unresolved = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL'])

const codeOf = (error: Error): string => {
  const { code, cause } = error as Error & { code?: string }
  return code ?? (cause as { code?: string } | undefined)?.code ?? ''
}

export function createForwarder() {
  const agents = new Map<string, Agent>()

  const agentFor = ({ connect_timeout, tls_verify }: Service): Agent => {
    const timeout = connect_timeout ?? 60_000
    const key = `${timeout} ${tls_verify}`
    let agent = agents.get(key)
    if (!agent) {
      // Kong does not verify upstream certificates unless told to; neither does its stand-in.
      // Kong speaks HTTP/1.1 to upstreams, whatever they offer.
      agent = new Agent({ allowH2: false, connect: { timeout, rejectUnauthorized: tls_verify === true } })
      agents.set(key, agent)
    }
    return agent
  }

  const attempt = (forward: Forward, triesLeft: number): void => {
    const { exchange, service, nextPeer } = forward
    const peer = nextPeer()
    if (!peer) {
      refuse(forward.arrived, 503, 'failure to get a peer from the ring-balancer', {
        headers: exchange.toClient,
      })
      return
    }
    const handler = relay(forward, (error) => {
      // Without a connection nothing was sent, so another try cannot do anything twice.
      const again = !handler.connected && !unresolved.has(codeOf(error)) && triesLeft > 0
      if (again) attempt(forward, triesLeft - 1)
      else fail(forward, error, handler.sentAt)
    })
    const { request, bodyBytesMax } = exchange
    const body = bodyFor(request, bodyBytesMax, service.write_timeout ?? 60_000, handler.abort)
    const host = peer.host.includes(':') ? `[${peer.host}]` : peer.host
    agentFor(service).dispatch(
      {
        origin: `${service.protocol}://${host}:${peer.port}`,
        path: forward.target,
        method: request.method ?? 'GET',
        headers: forward.headersFor(peer),
        body,
        headersTimeout: service.read_timeout ?? 60_000,
        bodyTimeout: service.read_timeout ?? 60_000,
      },
      handler,
    )
  }

  return {
    forward: (forward: Forward) => attempt(forward, forward.service.retries ?? 5),
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()))
    },
  }
}

interface Sent {
  sentAt: number
  /** undici starts a request once it has a connection for it. */
  readonly connected: boolean
  abort(error: Error): void
}

/** Copies the upstream's answer to the client as it comes, at the client's pace. */
function relay(forward: Forward, onFailure: (error: Error) => void) {
  const { request, response } = forward.arrived
  let controller: Dispatcher.DispatchController | undefined
  let reason: Error | undefined
  const abort = (error: Error) => {
    reason ??= error
    controller?.abort(error)
  }
  const clientGone = () => abort(stop('DEV_GATEWAY_CLIENT_GONE'))
  response.once('close', clientGone)

  const handler: Dispatcher.DispatchHandler & Sent = {
    sentAt: performance.now(),
    abort,
    get connected() {
      return controller !== undefined
    },
    onRequestStart(started) {
      controller = started
      if (reason) started.abort(reason)
    },
    onResponseStart(started, status) {
      if (status < 200) return
      const raw = (started.rawHeaders ?? []) as (Buffer | string)[]
      response.writeHead(status, clientHeaders(forward, headersToClient(raw), handler.sentAt))
    },
    onResponseData(started, chunk) {
      if (response.write(chunk)) return
      started.pause()
      response.once('drain', () => started.resume())
    },
    onResponseEnd() {
      response.off('close', clientGone)
      response.end()
    },
    onResponseError(_started, error) {
      response.off('close', clientGone)
      if (response.headersSent || response.destroyed || request.socket.destroyed) response.destroy()
      else onFailure(reason ?? error)
    },
  }
  return handler
}

const latencies = (startedAt: number, sentAt: number) => [
  'X-Kong-Upstream-Latency',
  String(Math.round(performance.now() - sentAt)),
  'X-Kong-Proxy-Latency',
  String(Math.round(sentAt - startedAt)),
]

function clientHeaders({ arrived, exchange }: Forward, upstream: string[], sentAt: number): string[] {
  const { toClient } = exchange
  const { request, startedAt, requestId } = arrived
  const replaced = new Set<string>()
  for (let i = 0; i < toClient.length; i += 2) replaced.add((toClient[i] ?? '').toLowerCase())
  replaced.delete('vary')
  const headers: string[] = []
  let via = `1.1 ${serverToken}`
  for (let i = 0; i < upstream.length; i += 2) {
    const header = upstream[i] ?? ''
    const value = upstream[i + 1] ?? ''
    if (header.toLowerCase() === 'via') via = `${value}, ${via}`
    else if (!replaced.has(header.toLowerCase())) headers.push(header, value)
  }
  headers.push(...toClient, ...latencies(startedAt, sentAt))
  headers.push('Via', via, 'X-Kong-Request-Id', requestId)
  if (hasUnreadBody(request)) headers.push('Connection', 'close')
  return headers
}

function fail({ arrived, exchange }: Forward, error: Error, sentAt: number): void {
  const code = codeOf(error)
  const { toClient: headers } = exchange
  if (unresolved.has(code)) {
    refuse(arrived, 503, 'name resolution failed', { headers })
  } else if (code === stopped.size) {
    refuse(arrived, 413, sizeExceeded, { headers })
  } else {
    const [status, message] = timedOut.has(code)
      ? ([504, 'The upstream server is timing out'] as const)
      : ([502, 'An invalid response was received from the upstream server'] as const)
    const own = [...headers, ...latencies(arrived.startedAt, sentAt), 'Via', `1.1 ${serverToken}`]
    sendOwn(arrived, status, own, errorBodyFor(arrived.request, message, arrived.requestId, 'text/plain'))
  }
}
