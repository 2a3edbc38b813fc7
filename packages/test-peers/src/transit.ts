import { randomUUID } from 'node:crypto'
import { type PeerAnswer, type PeerRequest, startJsonServer } from './json-server.ts'
import type { Body } from './transit-engine.ts'
import { createTransitRoutes, noRoute } from './transit-routes.ts'
import type { TokenAnswer } from './transit-tokens.ts'

export interface TransitPeer {
  url: string
  rootToken: string
  /** What was asked, as in `POST transit/encrypt/k1`. */
  requests: string[]
  setSealed(sealed: boolean): void
  /** The next `count` requests are answered 429. */
  throttle(count: number): void
  /** Moves the server's clock on, which stands still otherwise: tokens end by it. */
  advance(seconds: number): void
  close(): Promise<void>
}

interface Settings {
  tls?: { key: string; cert: string }
  /** Namespaces that exist beside the root; all show the same engines. */
  namespaces?: string[]
  /** As Vault before 1.9: `associated_data` is read past. */
  withoutAssociatedData?: boolean
}

/**
 * A server that answers as a recorded OpenBao 2.6.2 does for its transit engine, tokens, policies, AppRole and health,
 * with real AES-GCM inside. Administered over its API like the real one.
 */
export async function startTransitPeer(settings: Settings = {}): Promise<TransitPeer> {
  // Its clock stands still but for `advance`, so that what is left of a token does not hang on how quick a test is.
  const state = { nowSeconds: Math.floor(Date.now() / 1000), sealed: false, throttled: 0 }
  const routes = createTransitRoutes(() => state.nowSeconds)
  const requests: string[] = []

  const answer = (request: PeerRequest): PeerAnswer => {
    const path = request.path.replace(/^\/v1\//, '')
    const method = request.method === 'PUT' ? 'POST' : request.method
    requests.push(`${method} ${path}`)
    if (path === 'sys/health') return describeHealth(state.sealed)
    if (state.sealed) return toPeerAnswer({ status: 503, errors: ['Vault is sealed'] })
    if (state.throttled > 0) {
      state.throttled--
      return toPeerAnswer({ status: 429, errors: [`request path "${path}": rate limit quota exceeded`] })
    }
    const namespace = request.headers['x-vault-namespace']
    if (namespace !== undefined && !settings.namespaces?.includes(String(namespace)))
      return toPeerAnswer(noRoute(path))
    const body = readBody(request.body)
    if (body === undefined)
      return toPeerAnswer({ status: 400, errors: ['failed to decode JSON input: unexpected EOF'] })
    if (settings.withoutAssociatedData) delete body.associated_data
    const token = request.headers['x-vault-token'] as string | undefined
    return toPeerAnswer(routes.answer({ method, path, token, body }))
  }

  const { tls } = settings
  const server = await startJsonServer({ ...(tls === undefined ? {} : { tls }), answer })
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${server.port}`,
    rootToken: routes.rootToken,
    requests,
    setSealed: (sealed) => void Object.assign(state, { sealed }),
    throttle: (throttled) => void Object.assign(state, { throttled }),
    advance: (seconds) => {
      state.nowSeconds += seconds
    },
    close: server.close,
  }
}

function readBody(text: string): Body | undefined {
  if (text === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const describeHealth = (sealed: boolean): PeerAnswer => ({
  status: sealed ? 503 : 200,
  body: { initialized: true, sealed, standby: sealed, version: '2.6.2' },
})

function toPeerAnswer({ status, errors, data, auth }: TokenAnswer): PeerAnswer {
  const headers = { 'cache-control': 'no-store' }
  if (status === 204) return { status, headers }
  if (errors !== undefined) return { status, headers, body: { errors } }
  const envelope = { request_id: randomUUID(), lease_id: '', renewable: false, lease_duration: 0 }
  const body = { ...envelope, data: data ?? null, wrap_info: null, warnings: null, auth: auth ?? null }
  return { status, headers, body }
}
