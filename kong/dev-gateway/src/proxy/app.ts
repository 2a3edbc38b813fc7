import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock, Exchange } from '../plugins/plugin.ts'
import type { Store } from '../store/store.ts'
import { type Answer, type Arrived, newRequestId, sendOwn } from './answers.ts'
import { createForwarder } from './forward.ts'
import { headersToUpstream, isSecure } from './forwarded-headers.ts'
import { escapePath, upstreamPath } from './path.ts'
import { createPluginStarter } from './plugins-of-route.ts'
import { type ReadRequest, readRequest } from './read-request.ts'
import { compileRoutes, type Match } from './route-table.ts'

interface ProxyDeps {
  store: Store
  clock: Clock
  log(line: string): void
}

const noRoute: Answer = { status: 404, body: 'no Route matched with those values' }
const tlsOnly: Answer = {
  status: 426,
  headers: [
    ['Connection', 'Upgrade'],
    ['Upgrade', 'TLS/1.2, HTTP/1.1'],
  ],
  body: 'Please use HTTPS protocol',
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

  /** An answer, or nothing where the request goes to the upstream. */
  const serve = (arrived: Arrived): Answer | undefined => {
    const { request } = arrived
    const read = readRequest(request)
    if ('status' in read) return read
    const { host, port, normalPath: path } = read
    const { method = 'GET', headers } = request
    const secure = isSecure(request)
    const match = routes()({ method, host, port, path, secure, headers })
    if (!match) return noRoute
    if (!secure && !match.target.route.protocols.includes('http')) return tlsOnly
    return runRoute(arrived, read, match)
  }

  const runRoute = (arrived: Arrived, read: ReadRequest, { target, prefix }: Match): Answer | undefined => {
    const { request, response, requestId } = arrived
    const { route, service, nextPeer, plugins } = target
    const exchange: Exchange = {
      request,
      path: read.path,
      clientIp: clientIpOf(request),
      service,
      toUpstream: [],
      toClient: [],
    }
    for (const access of plugins) {
      const answer = access(exchange)
      if (answer) return { ...answer, headers: [...exchange.toClient, ...(answer.headers ?? [])] }
    }
    if (!service || !nextPeer) {
      return { status: 503, body: 'no Service found with those values', headers: exchange.toClient }
    }
    const stripped = route.strip_path ? prefix : undefined
    const rest = stripped === undefined ? undefined : read.normalPath.slice(stripped.length)
    if (request.headers.expect !== undefined) response.writeContinue()
    void forwarder.forward({
      arrived,
      exchange,
      service,
      nextPeer,
      target: escapePath(upstreamPath(service.path, read.normalPath, rest)) + read.search,
      headersFor: (peer) =>
        headersToUpstream(request, {
          upstreamHost: (route.preserve_host && request.headers.host) || peer.hostHeader,
          path: read.path,
          strippedPrefix: stripped === undefined || stripped === '/' ? undefined : escapePath(stripped),
          clientIp: exchange.clientIp,
          host: read.host,
          requestId,
          added: exchange.toUpstream,
        }).flat(),
    })
    return undefined
  }

  return {
    handle(request: IncomingMessage, response: ServerResponse) {
      const arrived = { request, response, requestId: newRequestId(), startedAt: performance.now() }
      // A socket that dies is seen on the response; without a listener its error would end the process.
      request.on('error', () => undefined)
      response.on('error', () => undefined)
      try {
        const answer = serve(arrived)
        if (answer) sendOwn(arrived, answer)
      } catch (error) {
        log(`proxy: ${error instanceof Error ? error.message : String(error)}`)
        sendOwn(arrived, { status: 500, body: 'An unexpected error occurred' })
      }
    },
    close: () => forwarder.close(),
  }
}
