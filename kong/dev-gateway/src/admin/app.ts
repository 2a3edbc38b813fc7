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
  /** Puts the store on disk; a change is answered after it. */
  persist(): void
  log(line: string): void
}

const info = {
  version: kongVersion,
  tagline: 'OpsConductor dev-gateway: stands in for Kong in development',
  hostname: hostname(),
  node_id: randomUUID(),
  plugins: {
    available_on_server: Object.fromEntries(
      [...pluginTypeByName.values()].map(({ name, priority }) => [name, { version: kongVersion, priority }]),
    ),
  },
}
const pages = new Map<string, object>([
  ['/', info],
  ['/status', { database: { reachable: true } }],
])

/**
 * The Admin API has no password, so it must not answer web pages: a browser names the page in Origin,
 * and a rebound DNS name shows in Host. Real Kong lets both in.
 */
function refuseBrowsers({ headers }: IncomingMessage): void {
  const host = (headers.host ?? 'localhost').replace(/:\d+$/, '').toLowerCase()
  const loopback = host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
  if (headers.origin === undefined && loopback) return
  throw new AdminError(403, {
    message: 'The Admin API of the dev gateway serves programs on this machine only',
  })
}

async function answer(request: IncomingMessage, { store, persist }: AdminDeps): Promise<Reply> {
  refuseBrowsers(request)
  const { method = 'GET', url = '/' } = request
  const [path = '/', query = ''] = url.split('?', 2)
  const page = pages.get(path)
  const reads = method === 'GET' || method === 'HEAD'
  if (page && !reads) throw methodNotAllowed()
  if (page) return { status: 200, body: page }
  const body = () => readBody(request)
  const reply = await answerEntityRequest({ method, path, query: new URLSearchParams(query), body }, store)
  if (!reads) persist()
  return reply
}

export function createAdminServer(deps: AdminDeps): Server {
  const refusal = (error: unknown): Reply => {
    if (error instanceof AdminError) return { status: error.status, body: error.body }
    deps.log(`admin: ${error instanceof Error ? error.message : String(error)}`)
    return { status: 500, body: { message: 'An unexpected error occurred' } }
  }
  return createServer({ headersTimeout: 15_000 }, async (request, response) => {
    const startedAt = performance.now()
    const reply = await answer(request, deps).catch(refusal)
    response.setHeader('X-Kong-Admin-Latency', Math.round(performance.now() - startedAt))
    // What is left of a refused body must not be read as the next request.
    if (!request.complete) response.setHeader('Connection', 'close')
    send(response, reply)
  })
}

function send(response: ServerResponse, { status, body }: Reply): void {
  response.statusCode = status
  response.setHeader('Server', serverToken)
  if (body !== undefined) response.setHeader('Content-Type', 'application/json; charset=utf-8')
  response.end(body === undefined ? undefined : JSON.stringify(body))
}
