import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Answer, Clock, Exchange } from '../plugins/plugin.ts'
import type { Store } from '../store/store.ts'
import { type Arrived, errorBodyFor, latency, newRequestId, refuse, sendOwn } from './answers.ts'
import { createForwarder } from './forward.ts'
import { headersToUpstream, isSecure } from './forwarded-headers.ts'
import { escapePath, upstreamPath } from './path.ts'
import { createPluginStarter } from './plugins-of-route.ts'
import { nginxPage } from './raw-answers.ts'
import { type ReadRequest, readRequest } from './read-request.ts'
import { compileRoutes, type Match } from './route-table.ts'

interface ProxyDeps {
  store: Store
  clock: Clock
  log(line: string): void
}

/** An IPv4 client on a dual-stack socket shows as `::ffff:127.0.0.1`. */
const clientIpOf = (request: IncomingMessage) => (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')

export function createProxy({ store, clock, log }: ProxyDeps) {
  const forwarder = createForwarder()
  const startPlugin = createPluginStarter(clock)
  let compiled: { version: number; match: ReturnType<typeof compileRoutes> } | undefined
  const routes = () => {
    if (compiled?.version !== store.version) {
      compiled = { version: store.version, match: compileRoutes(store, startPlugin) }
    }
    return compiled.match
  }

  const serve = (arrived: Arrived) => {
    const { request } = arrived
    const read = readRequest(request)
    if ('status' in read) return refuse(arrived, read.status, read.message, { fallback: 'text/plain' })
    const secure = isSecure(request)
    const match = routes()({
      method: request.method ?? 'GET',
      host: read.host,
      port: read.port,
      path: read.normalPath,
      secure,
      serverName: secure ? (request.socket as TLSSocket).servername || undefined : undefined,
      headers: request.headers,
    })
    if (!match) return refuse(arrived, 404, 'no Route matched with those values')
    if (!secure && !match.target.route.protocols.includes('http')) return askForTls(arrived, read, match)
    runRoute(arrived, read, match)
  }

  const runRoute = (arrived: Arrived, read: ReadRequest, { target, prefix }: Match) => {
    const { request, response, requestId } = arrived
    const { route, service, nextPeer } = target
    const exchange: Exchange = {
      request,
      requestId,
      path: read.path,
      query: read.query,
      clientIp: clientIpOf(request),
      service,
      toUpstream: [],
      toClient: [],
      bodyBytesMax: undefined,
    }
    for (const access of target.plugins) {
      const answer = access(exchange)
      if (answer) return answerOf(arrived, exchange, answer)
    }
    if (!service || !nextPeer)
      return refuse(arrived, 503, 'no Service found with those values', { headers: exchange.toClient })
    if (service.protocol !== 'http' && service.protocol !== 'https') {
      return refuse(arrived, 503, `the dev gateway does not speak ${service.protocol}`)
    }
    const stripped = route.strip_path ? prefix : undefined
    const rest = stripped === undefined ? undefined : read.normalPath.slice(stripped.length)
    if (request.headers.expect !== undefined) response.writeContinue()
    forwarder.forward({
      arrived,
      exchange,
      service,
      nextPeer,
      target: escapePath(upstreamPath(service.path, read.normalPath, rest)) + read.search,
      headersFor: (peer) =>
        headersToUpstream(request, {
          upstreamHost: route.preserve_host && request.headers.host ? request.headers.host : peer.hostHeader,
          path: read.path,
          strippedPrefix: stripped === undefined || stripped === '/' ? undefined : escapePath(stripped),
          clientIp: exchange.clientIp,
          forwardedHost: read.forwardedHost,
          requestId,
          added: exchange.toUpstream,
        }),
    })
  }

  return {
    handle(request: IncomingMessage, response: ServerResponse) {
      const arrived = { request, response, requestId: newRequestId(), startedAt: performance.now() }
      // A socket that dies is seen on the response; without a listener its error would end the process.
      request.on('error', () => undefined)
      response.on('error', () => undefined)
      try {
        serve(arrived)
      } catch (error) {
        log(`proxy: ${error instanceof Error ? error.message : String(error)}`)
        refuse(arrived, 500, 'An unexpected error occurred')
      }
    },
    close: () => forwarder.close(),
  }
}

function answerOf(arrived: Arrived, { toClient }: Exchange, answer: Answer): void {
  const { request, requestId } = arrived
  const headers = [...toClient, ...(answer.headers ?? []), ...latency(arrived)]
  const body =
    'error' in answer
      ? errorBodyFor(request, answer.error, requestId, 'application/json')
      : 'json' in answer
        ? { type: 'application/json; charset=utf-8', text: JSON.stringify(answer.json) }
        : { ...(answer.contentType ? { type: answer.contentType } : {}), text: answer.body }
  sendOwn(arrived, answer.status, headers, body)
}

/** A route for https only, asked over http. */
function askForTls(arrived: Arrived, read: ReadRequest, { target }: Match): void {
  const status = target.route.https_redirect_status_code
  if (status === 426) {
    refuse(arrived, 426, 'Please use HTTPS protocol', {
      headers: ['Connection', 'Upgrade', 'Upgrade', 'TLS/1.2, HTTP/1.1'],
    })
    return
  }
  const location = `https://${read.forwardedHost}${read.path}${read.search}`
  const body = { type: 'text/html', text: nginxPage(status) }
  sendOwn(arrived, status, ['Location', location, ...latency(arrived)], body)
}
