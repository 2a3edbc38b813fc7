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

/** A route for https only, asked over http. */
function askForTls({ host, path, search }: ReadRequest, { target }: Match): Answer {
  const status = target.route.https_redirect_status_code
  if (status === 426) return tlsOnly
  return { status, headers: [['Location', `https://${host}${path}${search}`]], body: { text: '' } }
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

  /** An answer, or nothing where the upstream gave one. */
  const serve = async (arrived: Arrived): Promise<Answer | undefined> => {
    const { request } = arrived
    const read = readRequest(request)
    if ('status' in read) return read
    const { host, port, normalPath: path } = read
    const { method = 'GET', headers } = request
    const secure = isSecure(request)
    const match = routes()({ method, host, port, path, secure, headers })
    if (!match) return noRoute
    if (!secure && !match.target.route.protocols.includes('http')) return askForTls(read, match)
    return runRoute(arrived, read, match)
  }

  const runRoute = async (arrived: Arrived, read: ReadRequest, { target, prefix }: Match) => {
    const { request, response } = arrived
    const { route, service, nextPeer, plugins } = target
    const clientIp = clientIpOf(request)
    const exchange: Exchange = { ...arrived, ...read, clientIp, service, toUpstream: [], toClient: [] }
    for (const access of plugins) {
      const answer = access(exchange)
      if (answer) return { ...answer, headers: [...exchange.toClient, ...(answer.headers ?? [])] }
    }
    if (!service || !nextPeer) {
      return { status: 503, body: 'no Service found with those values', headers: exchange.toClient }
    }
    const stripped = route.strip_path ? prefix : undefined
    const rest = stripped === undefined ? undefined : read.normalPath.slice(stripped.length)
    const shownPrefix = stripped && stripped !== '/' ? escapePath(stripped) : undefined
    const keptHost = route.preserve_host ? request.headers.host : undefined
    if (request.headers.expect !== undefined) response.writeContinue()
    await forwarder.forward({
      exchange,
      service,
      nextPeer,
      target: escapePath(upstreamPath(service.path, read.normalPath, rest)) + read.search,
      headersFor: ({ hostHeader }) => headersToUpstream(exchange, keptHost || hostHeader, shownPrefix),
    })
    return undefined
  }

  return {
    async handle(request: IncomingMessage, response: ServerResponse) {
      const arrived = { request, response, requestId: newRequestId(), startedAt: performance.now() }
      // A socket that dies is seen on the response; without a listener its error would end the process.
      request.on('error', () => undefined)
      response.on('error', () => undefined)
      try {
        const answer = await serve(arrived)
        if (answer) sendOwn(arrived, answer)
      } catch (error) {
        log(`proxy: ${error instanceof Error ? error.message : String(error)}`)
        response.destroy()
      }
    },
    close: () => forwarder.close(),
  }
}
