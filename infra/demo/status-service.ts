/**
 * The demo job's HTTP target: a small monitoring service behind basic authentication. `GET /services/{name}/status`
 * probes that service of the stack now and answers what it measured; `GET /healthz` needs no password.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { loadavg } from 'node:os'

const { STATUS_PORT, STATUS_USERNAME = '', STATUS_PASSWORD = '' } = process.env
const host = process.env.STATUS_HOST ?? '127.0.0.1'
const expected = digest(`Basic ${Buffer.from(`${STATUS_USERNAME}:${STATUS_PASSWORD}`).toString('base64')}`)

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** `SECRETS_BROKER_URL` for `secrets-broker`; undefined for a service that the stack does not have. */
const baseUrlOf = (name: string) => process.env[`${name.toUpperCase().replaceAll('-', '_')}_URL`]

async function probe(name: string, baseUrl: string) {
  const startedAt = performance.now()
  const reply = await fetch(new URL('/readyz', baseUrl), { signal: AbortSignal.timeout(3_000) }).catch(
    () => undefined,
  )
  await reply?.body?.cancel()
  return {
    service: name,
    state: reply?.status === 200 ? 'up' : 'down',
    answered_in_ms: Math.round((performance.now() - startedAt) * 10) / 10,
    host_load_1m: loadavg()[0],
    measured_at: new Date().toISOString(),
  }
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://status')
  if (pathname === '/healthz') {
    answer(response, 200, { status: 'alive' })
    return
  }
  if (!timingSafeEqual(digest(request.headers.authorization ?? ''), expected)) {
    answer(response, 401, { error: 'unauthorized' }, { 'www-authenticate': 'Basic realm="status"' })
    return
  }
  const name = /^\/services\/([a-z-]{1,50})\/status$/.exec(pathname)?.[1]
  const baseUrl = name === undefined ? undefined : baseUrlOf(name)
  if (name === undefined || baseUrl === undefined) answer(response, 404, { error: 'no such service' })
  else answer(response, 200, await probe(name, baseUrl))
}

const server = createServer((request, response) => {
  handle(request, response).catch(() => answer(response, 500, { error: 'internal' }))
})
server.listen(Number(STATUS_PORT), host)
process.once('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeAllConnections()
})
