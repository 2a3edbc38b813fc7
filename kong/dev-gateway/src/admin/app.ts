import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { hostname } from 'node:os'
import { pluginTypeByName } from '../plugins/index.ts'
import type { Store } from '../store/store.ts'
import { kongVersion, serverToken } from '../version.ts'
import { AdminError, methodNotAllowed } from './admin-error.ts'
import { answerEntityRequest, type Reply } from './endpoints.ts'
import { readBody } from './read-body.ts'

interface AdminDeps {
  store: Store
  /** Resolves when the change is on disk; an answer waits for it. */
  persist(): Promise<void>
  log(line: string): void
}

const nodeId = randomUUID()

function nodePages(): Record<string, () => object> {
  const plugins = [...pluginTypeByName.values()]
  return {
    '/': () => ({
      version: kongVersion,
      tagline: 'OpsConductor dev-gateway: stands in for Kong in development',
      hostname: hostname(),
      node_id: nodeId,
      plugins: {
        available_on_server: Object.fromEntries(
          plugins.map(({ name, priority }) => [name, { version: kongVersion, priority }]),
        ),
        enabled_in_cluster: [],
      },
      // Tells clients such as decK that entities can be written; there is no database.
      configuration: { database: 'postgres', router_flavor: 'traditional_compatible' },
    }),
    '/status': () => ({ database: { reachable: true } }),
    '/plugins/enabled': () => ({ enabled_plugins: plugins.map(({ name }) => name) }),
  }
}

/**
 * The Admin API has no password, so it must not answer web pages: a browser names the page in Origin,
 * and a rebound DNS name shows in Host. Real Kong lets both in.
 */
function refuseBrowsers(request: IncomingMessage): void {
  const host = (request.headers.host ?? 'localhost').replace(/:\d+$/, '').toLowerCase()
  const loopback = host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
  if (request.headers.origin !== undefined || !loopback) {
    throw new AdminError(403, {
      message: 'The Admin API of the dev gateway serves programs on this machine only',
    })
  }
}

export function createAdminServer({ store, persist, log }: AdminDeps): Server {
  const pages = nodePages()
  const answer = async (request: IncomingMessage): Promise<Reply & { allow?: string }> => {
    refuseBrowsers(request)
    const [path = '/', query = ''] = (request.url ?? '/').split('?', 2)
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined
    if (page) {
      if (request.method === 'OPTIONS') return { status: 204, allow: 'GET, HEAD, OPTIONS' }
      if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed()
      return { status: 200, body: page() }
    }
    const before = store.version
    const body = () => readBody(request)
    const method = request.method ?? 'GET'
    const reply = await answerEntityRequest({ method, path, query: new URLSearchParams(query), body }, store)
    if (store.version !== before) await persist()
    return reply
  }

  const refusal = (error: unknown): Reply => {
    if (error instanceof AdminError) return { status: error.status, body: error.body }
    log(`admin: ${error instanceof Error ? error.message : String(error)}`)
    return { status: 500, body: { message: 'An unexpected error occurred' } }
  }

  const server = createServer({ headersTimeout: 15_000, maxHeaderSize: 32_768 }, (request, response) => {
    const startedAt = performance.now()
    answer(request)
      .catch(refusal)
      .then((reply) => send(request, response, reply, startedAt))
      .catch((error: unknown) => log(`admin: ${error instanceof Error ? error.message : String(error)}`))
  })
  return server
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, body, allow }: Reply & { allow?: string },
  startedAt: number,
): void {
  response.statusCode = status
  response.setHeader('Server', serverToken)
  response.setHeader('X-Kong-Admin-Latency', Math.round(performance.now() - startedAt))
  if (allow) response.setHeader('Allow', allow)
  // What is left of a refused body must not be read as the next request.
  if (!request.complete) response.setHeader('Connection', 'close')
  if (body === undefined) {
    response.end()
    return
  }
  const text = JSON.stringify(body)
  response.setHeader('Content-Type', 'application/json; charset=utf-8')
  response.setHeader('Content-Length', Buffer.byteLength(text))
  response.end(text)
}
