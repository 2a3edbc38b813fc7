import { setTimeout as delay } from 'node:timers/promises'

/** The management API as a person uses it: through the gateway, signed in. */
export interface GatewayApi {
  get<T>(path: string): Promise<T>
  send<T>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T>
  /** The same person, in one project. */
  inProject(projectId: string): GatewayApi
}

/** An answer that is not 2xx; the message holds the problem's code and detail. */
export class GatewayApiError extends Error {
  readonly status: number

  constructor(method: string, path: string, status: number, text: string) {
    super(`${method} ${path} answered ${status}: ${text.slice(0, 500)}`)
    this.status = status
  }
}

export async function signIn(gatewayUrl: string, email: string, password: string): Promise<GatewayApi> {
  const open = createGatewayApi(gatewayUrl, {})
  const session = await open.send<{ access_token: string }>('POST', '/api/session', { email, password })
  return createGatewayApi(gatewayUrl, { authorization: `Bearer ${session.access_token}` })
}

function createGatewayApi(gatewayUrl: string, headers: Record<string, string>): GatewayApi {
  async function exchange<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(new URL(path, gatewayUrl), {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    })
    const text = await answer.text()
    if (!answer.ok) throw new GatewayApiError(method, path, answer.status, text)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }
  return {
    get: (path) => exchange('GET', path),
    send: exchange,
    inProject: (projectId) => createGatewayApi(gatewayUrl, { ...headers, 'x-project-id': projectId }),
  }
}

/** The first value that `find` gives, asked for again until then. */
export async function eventually<T>(
  what: string,
  find: () => Promise<T | undefined>,
  withinMs: number,
): Promise<T> {
  for (const until = Date.now() + withinMs; ; await delay(50)) {
    const found = await find()
    if (found !== undefined) return found
    if (Date.now() > until) throw new Error(`${what} did not happen within ${withinMs / 1000} s`)
  }
}
