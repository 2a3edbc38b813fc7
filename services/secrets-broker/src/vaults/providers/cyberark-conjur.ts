import { z } from 'zod'
import {
  authObject,
  certificatesPem,
  defineVaultProvider,
  faultOfSegments,
  plainText,
  type VaultConnection,
  type VaultTools,
  vaultAddress,
} from '../define-vault-provider.ts'
import { vaultError } from '../vault-error.ts'
import {
  createVaultHttp,
  readJsonObject,
  retryAfterOf,
  type VaultAnswer,
  type VaultHttp,
} from '../vault-http.ts'

const settings = z.strictObject({
  url: vaultAddress,
  account: plainText.max(200),
  /** A user, or `host/…` for a machine. */
  login: plainText.max(500),
  ca_pem: certificatesPem.optional(),
})
type Settings = z.infer<typeof settings>

const auth = authObject({ api_key: z.string().min(1).max(1000) })
type Auth = z.infer<typeof auth>

/** CyberArk Conjur: API key, secrets one by one or several at once. */
export const cyberarkConjur = defineVaultProvider<Settings, Auth>({
  provider: 'cyberark-conjur',
  title: 'CyberArk Conjur',
  settings,
  auth,
  addresses: ({ url }) => ({ url }),
  faultOfPath: faultOfSegments,
  connect,
})

/** An access token lives eight minutes. */
const tokenMs = 6 * 60_000

function createTokens(http: VaultHttp, { url, account, login }: Settings, auth: Auth, now: () => number) {
  let token: { text: string; until: number } | undefined
  let authenticating: Promise<string> | undefined

  async function authenticate(): Promise<string> {
    const who = [account, login].map(encodeURIComponent).join('/')
    const answer = await http.send({
      method: 'POST',
      url: `${url}/authn/${who}/authenticate`,
      headers: { 'accept-encoding': 'base64', 'content-type': 'text/plain' },
      body: auth.api_key,
      signal: AbortSignal.timeout(10_000),
    })
    if (answer.status === 401)
      throw vaultError('vault_forbidden', 'The vault refused the login with this API key.')
    if (answer.status !== 200) throw failureOf(answer)
    const text = answer.body.toString('utf8')
    // A proxy may have dropped the header that asks for base64.
    const encoded = text.startsWith('{') ? Buffer.from(text).toString('base64') : text
    if (!/^[A-Za-z0-9+/=_-]{1,8192}$/.test(encoded))
      throw vaultError('vault_bad_answer', 'The vault answered the login without a token.')
    token = { text: encoded, until: now() + tokenMs }
    return encoded
  }

  return {
    /** One login serves all who wait for it. */
    get(): Promise<string> {
      if (token !== undefined && now() < token.until) return Promise.resolve(token.text)
      authenticating ??= authenticate().finally(() => {
        authenticating = undefined
      })
      return authenticating
    },
    /** The next `get` brings another one. */
    drop(text?: string): void {
      if (text === undefined || token?.text === text) token = undefined
    },
  }
}

function connect(settings: Settings, auth: Auth, tools: VaultTools): VaultConnection {
  const http = createVaultHttp({ outbound: tools.outbound, ca: settings.ca_pem })
  const tokens = createTokens(http, settings, auth, tools.now)
  const variables = `secrets/${encodeURIComponent(settings.account)}/variable`

  async function get(path: string, signal: AbortSignal, isRetry = false): Promise<VaultAnswer> {
    const token = await tokens.get()
    const headers = { authorization: `Token token="${token}"`, accept: 'application/json, */*' }
    const answer = await http.send({ method: 'GET', url: `${settings.url}/${path}`, headers, signal })
    if (answer.status !== 401 || isRetry) return answer
    // A token that ended before its time: the key was rotated, or the server was made anew.
    tokens.drop(token)
    return get(path, signal, true)
  }

  /** One variable is read on its own, which any version of it can be; several in one request, which knows only the latest. */
  async function readMany(ids: readonly string[], signal: AbortSignal): Promise<Record<string, string>> {
    const full = ids.map((id) => `${settings.account}:variable:${id}`)
    const answer = await get(`secrets?variable_ids=${full.map(encodeURIComponent).join(',')}`, signal)
    if (answer.status !== 200) throw failureOf(answer)
    const found = readJsonObject(answer)
    const values: Record<string, string> = {}
    for (const [i, id] of ids.entries()) {
      const value = found[full[i] as string]
      if (typeof value !== 'string')
        throw vaultError('vault_bad_answer', 'The vault left out a variable that was asked for.')
      values[id] = value
    }
    return values
  }

  return {
    async read({ path, version, keys = [] }, { signal }) {
      const wanted = keys.filter((key) => key !== 'value')
      if (wanted.length === 0) {
        const query = version === undefined ? '' : `?version=${encodeURIComponent(version)}`
        const answer = await get(`${variables}/${encodeURIComponent(path)}${query}`, signal)
        if (answer.status !== 200) throw failureOf(answer)
        return { values: { value: answer.body.toString('utf8') }, version: version ?? null }
      }
      if (version !== undefined)
        throw vaultError('vault_secret_not_found', 'Several variables at once have no version in common.')
      const idOf = (key: string) => (key === 'value' ? path : `${path}/${key}`)
      const found = await readMany(keys.map(idOf), signal)
      return {
        values: Object.fromEntries(keys.map((key) => [key, found[idOf(key)] as string])),
        version: null,
      }
    },
    async check() {
      tokens.drop()
      await tokens.get()
    },
    close: () => http.close(),
  }
}

function failureOf({ status, headers }: VaultAnswer): Error {
  const facts = { status }
  if (status === 401 || status === 403)
    return vaultError('vault_forbidden', 'The vault refused access to this variable.', { facts })
  if (status === 404)
    return vaultError('vault_secret_not_found', 'The vault has no such variable, or it has no value.', {
      facts,
    })
  if (status === 429)
    return vaultError('vault_throttled', 'The vault limits its requests; try again later.', {
      facts,
      retryAfterSeconds: retryAfterOf(headers),
    })
  if (status >= 500) return vaultError('vault_unreachable', `The vault failed (status ${status}).`, { facts })
  return vaultError('vault_bad_answer', `The vault refused the request (status ${status}).`, { facts })
}
