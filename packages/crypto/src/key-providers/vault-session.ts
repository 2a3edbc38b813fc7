import type { Dispatcher } from 'undici'
import { KeyRefused, KeyUnavailable } from './define-key-provider.ts'

export type VaultLogin =
  | { token: string }
  /** `mount` is where AppRole is enabled; `approle` where absent. */
  | { roleId: string; secretId: string; mount?: string }

export interface VaultOptions {
  /** `https://vault.example:8200`; plain http only to this machine. */
  url: string
  login: VaultLogin
  namespace?: string
  /** PEM of the authorities to trust instead of the system's. */
  ca?: string
  /** Runs something later and answers how to call that off; for tests. */
  schedule?: (run: () => void, delayMs: number) => () => void
}

export interface VaultAnswer {
  status: number
  body: Record<string, unknown>
  /** Vault's own words, shortened. */
  errors: string
}

export interface VaultSession {
  /** Any answer below 500 that is not 403 or 429; those, and no answer, throw KeyUnavailable. */
  request(method: 'GET' | 'POST', path: string, body?: Record<string, unknown>): Promise<VaultAnswer>
  close(): Promise<void>
}

type Send = (
  token: string | undefined,
  method: 'GET' | 'POST',
  path: string,
  body?: Record<string, unknown>,
) => Promise<VaultAnswer>

const renewAt = 2 / 3
const renewAgainAfterMs = 10_000
const delayMsMin = 1000
const delayMsMax = 24 * 3600 * 1000

/**
 * A login at Vault or OpenBao that stays good: its token is renewed when two thirds of its life are over, and an AppRole
 * logs in again where it can no longer be. Throws KeyUnavailable or KeyRefused.
 */
export async function openVaultSession(options: VaultOptions): Promise<VaultSession> {
  const { send, close: closeSender } = await createSender(options)
  const keeper = createTokenKeeper(send, options.login, options.schedule ?? scheduleUnref)
  const close = async () => {
    keeper.close()
    await closeSender()
  }
  try {
    await keeper.logIn()
  } catch (error) {
    await close()
    throw error
  }
  // Servers word a bad token and a policy's refusal in different ways: only the token itself tells them apart.
  const hasEnded = async (token: string) =>
    (await send(token, 'GET', 'auth/token/lookup-self')).status === 403
  return {
    async request(method, path, body) {
      const used = keeper.token()
      let answer = await send(used, method, path, body)
      if (answer.status === 403 && !('token' in options.login) && (await hasEnded(used))) {
        // Another request may have logged in meanwhile.
        if (keeper.token() === used) await keeper.logIn()
        answer = await send(keeper.token(), method, path, body)
      }
      if (answer.status !== 403) return answer
      throw new KeyUnavailable(
        `Vault forbids ${path}: the token is wrong or has ended, or its policy does not allow this.`,
      )
    },
    close,
  }
}

function createTokenKeeper(send: Send, login: VaultLogin, schedule: typeof scheduleUnref) {
  let token = ''
  let cancelRenewal = () => {}
  let closed = false
  let pendingLogin: Promise<void> | undefined

  const renewIn = (delayMs: number) => {
    if (closed) return
    const bounded = Math.min(Math.max(delayMs, delayMsMin), delayMsMax)
    cancelRenewal = schedule(() => void renew().catch(() => renewIn(renewAgainAfterMs)), bounded)
  }
  const keepFor = (seconds: number) => {
    cancelRenewal()
    if (seconds > 0) renewIn(seconds * renewAt * 1000)
  }
  const obtain = async () => {
    const lease =
      'token' in login
        ? { token: login.token, seconds: await leaseOfToken(send, login.token) }
        : await logInWithAppRole(send, login)
    token = lease.token
    keepFor(lease.seconds)
  }
  const logIn = () => {
    pendingLogin ??= obtain().finally(() => {
      pendingLogin = undefined
    })
    return pendingLogin
  }
  const renew = async () => {
    const answer = await send(token, 'POST', 'auth/token/renew-self', {})
    if (answer.status === 200) return keepFor(leaseSeconds(answer.body.auth))
    // It cannot be renewed any more: an AppRole gets another; a given token can only be used until it ends.
    if (!('token' in login)) await logIn()
  }
  return {
    token: () => token,
    logIn,
    close() {
      closed = true
      cancelRenewal()
    },
  }
}

function scheduleUnref(run: () => void, delayMs: number): () => void {
  const timer = setTimeout(run, delayMs)
  timer.unref()
  return () => clearTimeout(timer)
}

/** Seconds to live; 0 for a token that never ends, cannot be renewed, or may not ask. */
async function leaseOfToken(send: Send, token: string): Promise<number> {
  const answer = await send(token, 'GET', 'auth/token/lookup-self')
  const { ttl, renewable } = (answer.body.data ?? {}) as { ttl?: number; renewable?: boolean }
  return renewable === true ? (ttl ?? 0) : 0
}

async function logInWithAppRole(
  send: Send,
  login: { roleId: string; secretId: string; mount?: string },
): Promise<{ token: string; seconds: number }> {
  const answer = await send(undefined, 'POST', `auth/${login.mount ?? 'approle'}/login`, {
    role_id: login.roleId,
    secret_id: login.secretId,
  })
  const auth = answer.body.auth as { client_token?: string } | undefined
  if (answer.status !== 200 || typeof auth?.client_token !== 'string')
    throw new KeyRefused(`Vault refuses the AppRole login: ${answer.errors || `status ${answer.status}`}.`)
  return { token: auth.client_token, seconds: leaseSeconds(auth) }
}

const leaseSeconds = (auth: unknown): number =>
  Number((auth as { lease_duration?: number } | undefined)?.lease_duration ?? 0)

const timeoutMs = 5000
const answerBytesMax = 1_000_000

async function createSender(options: VaultOptions): Promise<{ send: Send; close(): Promise<void> }> {
  const base = parseUrl(options.url)
  const { Agent, request } = await import('undici')
  const agent = new Agent({
    connect: { timeout: timeoutMs, ...(options.ca === undefined ? {} : { ca: options.ca }) },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxResponseSize: answerBytesMax,
  })
  const send: Send = async (token, method, path, body) => {
    const headers: Record<string, string> = { 'X-Vault-Request': 'true' }
    if (token !== undefined) headers['X-Vault-Token'] = token
    if (options.namespace !== undefined) headers['X-Vault-Namespace'] = options.namespace
    if (body !== undefined) headers['Content-Type'] = 'application/json'
    const ask = () =>
      request(`${base}/v1/${path}`, {
        dispatcher: agent,
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    // Once more where an idle connection had ended: none of our requests does harm twice.
    const response = await ask()
      .catch((error) => (token !== undefined && connectionHadEnded(error) ? ask() : Promise.reject(error)))
      .catch(failUnreachable)
    return readAnswer(response)
  }
  return { send, close: () => agent.destroy() }
}

function parseUrl(text: string): string {
  const url = URL.parse(text)
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.search !== '')
    throw new KeyRefused('The address of Vault is not a plain http(s) URL.')
  const here = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  if (url.protocol === 'http:' && !here)
    throw new KeyRefused('The address of Vault must be https: keys would travel in clear.')
  return url.href.replace(/\/+$/, '')
}

const connectionHadEnded = (error: unknown): boolean =>
  ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes((error as { code?: string }).code ?? '')

function failUnreachable(error: unknown): never {
  const { code, name } = error as { code?: string; name?: string }
  throw new KeyUnavailable(`Vault cannot be reached (${code ?? name}).`)
}

async function readAnswer(response: Dispatcher.ResponseData): Promise<VaultAnswer> {
  const { statusCode: status } = response
  const text = await response.body.text().catch(failUnreachable)
  const body = parseBody(text)
  const errors = Array.isArray(body.errors) ? body.errors.join('; ').replace(/\s+/g, ' ').slice(0, 200) : ''
  if (status === 429) throw new KeyUnavailable('Vault throttles requests (429).')
  if (status === 503 && /sealed/.test(errors)) throw new KeyUnavailable('Vault is sealed.')
  // 307 leads to a leader that may be gone; 412, 472 and 473 are standbys that cannot answer now.
  if (status >= 500 || status === 307 || status === 412 || status === 472 || status === 473)
    throw new KeyUnavailable(`Vault cannot answer now (status ${status}${errors && `: ${errors}`}).`)
  return { status, body, errors }
}

function parseBody(text: string): Record<string, unknown> {
  try {
    const body = JSON.parse(text)
    return typeof body === 'object' && body !== null ? body : {}
  } catch {
    return {}
  }
}
