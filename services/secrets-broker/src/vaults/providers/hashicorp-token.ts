import { encodeSegments } from '../define-vault-provider.ts'
import { vaultError } from '../vault-error.ts'
import { readJsonObject, type VaultAnswer } from '../vault-http.ts'
import { type Call, failureOf } from './hashicorp-failure.ts'

export type HashicorpAuth = { token: string } | { role_id: string; secret_id: string }

interface Token {
  text: string
  /** Milliseconds since 1970; Infinity for one that does not expire. */
  expiresAt: number
  renewFrom: number
  lifeMs: number
  renewable: boolean
  gotAt: number
}

interface TokenSource {
  /** A token that is valid as far as is known: logs in, or renews, before it expires. One login serves all who wait. */
  get(): Promise<string>
  /** After a 403: whether the vault no longer knows the token, and the next `get` brings another. */
  replace(token: string, signal: AbortSignal): Promise<boolean>
  close(): Promise<void>
}

interface Options {
  call: Call
  auth: HashicorpAuth
  mount: string
  now(): number
}

/** A shared login does not end with the call that began it. */
const loginTimeoutMs = 10_000
const revokeTimeoutMs = 2_000
/** A login uses up secret ids that may be used only so often: not one for every refused read. */
const loginIntervalMs = 30_000

/** How tokens are come by and kept alive, without remembering one. */
function createLogins({ call, auth, mount, now }: Options) {
  async function login(): Promise<Token> {
    const signal = AbortSignal.timeout(loginTimeoutMs)
    if ('token' in auth) return lookUp(auth.token, signal)
    const path = `auth/${encodeSegments(mount)}/login`
    const answer = await call({ method: 'POST', path, body: auth }, signal)
    // A wrong role id or secret id, or one that was used up, is a 400 here.
    if (answer.status === 400 || answer.status === 403)
      throw vaultError('vault_forbidden', 'The vault refused the login with this role id and secret id.')
    if (answer.status !== 200) throw failureOf(answer)
    return tokenOf(answer, now())
  }

  /** How long a given token lives. One that may not look itself up is taken as it is. */
  async function lookUp(text: string, signal: AbortSignal): Promise<Token> {
    const answer = await call({ path: 'auth/token/lookup-self', token: text }, signal)
    if (answer.status === 403) return tokenFor(text, { lease_duration: 0, renewable: false }, now())
    if (answer.status !== 200) throw failureOf(answer)
    const { data } = readJsonObject(answer) as { data?: { ttl?: number; renewable?: boolean } }
    return tokenFor(text, { lease_duration: data?.ttl ?? 0, renewable: data?.renewable === true }, now())
  }

  /** A vault caps the life of a token: what comes back from a renewal near its end is too short, and we log in again. */
  async function renew(token: Token): Promise<Token> {
    const request = { method: 'POST', path: 'auth/token/renew-self', token: token.text, body: {} } as const
    const answer = await call(request, AbortSignal.timeout(loginTimeoutMs)).catch(() => undefined)
    // The vault is in trouble, the token is not: it is used up to its end.
    if (answer === undefined || answer.status >= 500 || answer.status === 429)
      return { ...token, renewFrom: (now() + token.expiresAt) / 2 }
    const renewed = answer.status === 200 ? tokenOf(answer, now()) : undefined
    if (renewed !== undefined && renewed.lifeMs > token.lifeMs / 3)
      return { ...renewed, lifeMs: token.lifeMs }
    return 'token' in auth ? { ...token, renewFrom: token.expiresAt } : login()
  }

  return { login, renew }
}

export function createTokenSource(options: Options): TokenSource {
  const { call, auth, now } = options
  const { login, renew } = createLogins(options)
  let current: Token | undefined
  let refreshing: Promise<Token> | undefined

  function refresh(from: () => Promise<Token>): Promise<Token> {
    refreshing ??= from()
      .then((token) => {
        current = token
        return token
      })
      .finally(() => {
        refreshing = undefined
      })
    return refreshing
  }

  return {
    async get() {
      const token = current
      if (token !== undefined && now() < token.renewFrom) return token.text
      const refreshed = refresh(() =>
        token === undefined || !token.renewable || now() >= token.expiresAt ? login() : renew(token),
      )
      return (await refreshed).text
    },
    async replace(text, signal) {
      if (current?.text !== text) return current !== undefined
      if ('token' in auth || now() - current.gotAt < loginIntervalMs) return false
      const answer = await call({ path: 'auth/token/lookup-self', token: text }, signal)
      if (answer.status === 200) return false
      current = undefined
      return true
    },
    async close() {
      if (current === undefined || 'token' in auth) return
      await call(
        { method: 'POST', path: 'auth/token/revoke-self', token: current.text },
        AbortSignal.timeout(revokeTimeoutMs),
      ).catch(() => {})
    },
  }
}

function tokenOf(answer: VaultAnswer, at: number): Token {
  const { auth } = readJsonObject(answer) as {
    auth?: { client_token?: unknown; lease_duration?: number; renewable?: boolean }
  }
  if (typeof auth?.client_token !== 'string')
    throw vaultError('vault_bad_answer', 'The vault answered the login without a token.')
  return tokenFor(
    auth.client_token,
    { lease_duration: auth.lease_duration ?? 0, renewable: auth.renewable === true },
    at,
  )
}

/** Renewed after two thirds of its life; replaced, where it cannot be renewed, a tenth before its end. */
function tokenFor(text: string, lease: { lease_duration: number; renewable: boolean }, at: number): Token {
  const { renewable } = lease
  const lifeMs = lease.lease_duration > 0 ? lease.lease_duration * 1000 : Number.POSITIVE_INFINITY
  return {
    text,
    lifeMs,
    renewable,
    gotAt: at,
    expiresAt: at + lifeMs,
    renewFrom: at + lifeMs * (renewable ? 2 / 3 : 0.9),
  }
}
