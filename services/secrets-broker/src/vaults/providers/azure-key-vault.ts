import type { SecretClient, SecretClientOptions } from '@azure/keyvault-secrets'
import { z } from 'zod'
import {
  authObject,
  certificatesPem,
  defineVaultProvider,
  plainText,
  type VaultConnection,
  type VaultTools,
  vaultAddress,
} from '../define-vault-provider.ts'
import { valuesOfText } from '../secret-values.ts'
import { isVaultError, vaultError } from '../vault-error.ts'
import { createVaultHttp, retryAfterOf, type VaultHttp } from '../vault-http.ts'

const settings = z.strictObject({
  vault_url: vaultAddress,
  tenant_id: z.string().regex(/^[A-Za-z0-9.-]{1,100}$/, 'must be the id or a domain of a tenant'),
  client_id: plainText.max(100),
  /** Where tokens come from; absent: Microsoft's public cloud. */
  authority_host: vaultAddress.optional(),
  ca_pem: certificatesPem.optional(),
})
type Settings = z.infer<typeof settings>

const auth = authObject({ client_secret: z.string().min(1).max(1000) })
type Auth = z.infer<typeof auth>

/** Azure Key Vault, through Microsoft's SDK; as an application with a client secret. */
export const azureKeyVault = defineVaultProvider<Settings, Auth>({
  provider: 'azure-key-vault',
  title: 'Azure Key Vault',
  settings,
  auth,
  addresses: ({ vault_url, authority_host }) => ({
    vault_url,
    ...(authority_host === undefined ? {} : { authority_host }),
  }),
  faultOfPath: (path) =>
    /^[A-Za-z0-9-]{1,127}$/.test(path)
      ? undefined
      : 'must be the name of a secret: letters, digits and hyphens',
  connect,
})

/** No secret of anybody: that it is not there says that the vault let us in and looked. */
const absentSecret = 'opsconductor-connection-check'

function connect(settings: Settings, auth: Auth, tools: VaultTools): VaultConnection {
  const http = createVaultHttp({ outbound: tools.outbound, ca: settings.ca_pem })
  const login: Login = {}
  let client: Promise<SecretClient> | undefined

  async function read(name: string, version: string | undefined, signal: AbortSignal) {
    client ??= createClient(settings, auth, http, login)
    try {
      return await (await client).getSecret(name, {
        abortSignal: signal,
        ...(version === undefined ? {} : { version }),
      })
    } catch (error) {
      throw signal.aborted ? signal.reason : failureOf(error, login)
    }
  }

  return {
    async read({ path, version }, { signal }) {
      if (version !== undefined && !/^[0-9a-fA-F]{32}$/.test(version))
        throw vaultError('vault_secret_not_found', 'The versions of this vault are 32 hexadecimal digits.')
      const { value, properties } = await read(path, version, signal)
      if (value === undefined)
        throw vaultError('vault_bad_answer', 'The vault answered a secret without a value.')
      return { values: valuesOfText(value), version: properties.version ?? null }
    },
    async check({ signal }) {
      await read(absentSecret, undefined, signal).catch((error: unknown) => {
        if (!isVaultError(error) || error.code !== 'vault_secret_not_found') throw error
      })
    },
    close: () => http.close(),
  }
}

/** What the last request for a token failed with: the SDK forgets it. */
interface Login {
  fault?: unknown
}

/** The SDKs are loaded by the first vault of this kind: they cost memory and time that other brokers need not pay. */
async function createClient(
  settings: Settings,
  auth: Auth,
  http: VaultHttp,
  login: Login,
): Promise<SecretClient> {
  const [{ SecretClient }, { ClientSecretCredential }] = await Promise.all([
    import('@azure/keyvault-secrets'),
    import('@azure/identity'),
  ])
  const retryOptions = { maxRetries: 0 }
  const loginHttp: VaultHttp = {
    ...http,
    async send(request) {
      login.fault = undefined
      return http.send(request).catch((fault: unknown) => {
        login.fault = fault
        throw fault
      })
    },
  }
  const { tenant_id, client_id, authority_host } = settings
  const credential = new ClientSecretCredential(tenant_id, client_id, auth.client_secret, {
    httpClient: azureHttp(loginHttp),
    retryOptions,
    // A host that Microsoft's public list does not name cannot be checked against it.
    ...(authority_host === undefined
      ? {}
      : { authorityHost: authority_host, disableInstanceDiscovery: true }),
  })
  return new SecretClient(settings.vault_url, credential, { httpClient: azureHttp(http), retryOptions })
}

type AzureHttp = NonNullable<SecretClientOptions['httpClient']>
type AzureRequest = Parameters<AzureHttp['sendRequest']>[0]
type AzureHeaders = AzureRequest['headers']

/** The SDK's requests by our own way, with its rules on addresses, redirects and sizes. */
const azureHttp = (http: VaultHttp): AzureHttp => ({
  async sendRequest(request) {
    const { status, headers, body } = await http.send({
      method: request.method as 'GET',
      url: request.url,
      headers: request.headers.toJSON(),
      body: typeof request.body === 'string' ? request.body : null,
      signal: AbortSignal.any([
        AbortSignal.timeout(tokenTimeoutMs),
        ...(request.abortSignal === undefined ? [] : [request.abortSignal as AbortSignal]),
      ]),
    })
    return { request, status, headers: azureHeaders(headers), bodyAsText: body.toString('utf8') }
  },
})

/** Requests for a token carry no signal. */
const tokenTimeoutMs = 10_000

function azureHeaders(headers: Record<string, string>): AzureHeaders {
  const all = new Map(Object.entries(headers))
  return {
    get: (name) => all.get(name.toLowerCase()),
    has: (name) => all.has(name.toLowerCase()),
    set: (name, value) => void all.set(name.toLowerCase(), String(value)),
    delete: (name) => void all.delete(name.toLowerCase()),
    toJSON: () => Object.fromEntries(all),
    [Symbol.iterator]: () => all[Symbol.iterator](),
  }
}

interface SdkError {
  name?: string
  code?: string
  statusCode?: number
  response?: { headers?: AzureHeaders }
  cause?: unknown
}

/** The SDK's texts are not passed on: they quote what the vault said. */
function failureOf(error: unknown, login: Login): Error {
  const ours = causesOf(error).find(isVaultError)
  if (ours !== undefined) return ours
  const { name, code, statusCode: status, response } = (error ?? {}) as SdkError
  const facts = { error: name, status }
  if (name?.startsWith('Authentication') || name === 'CredentialUnavailableError')
    return isVaultError(login.fault) ? login.fault : loginFailureOf(error)
  if (status === 401 || status === 403)
    return vaultError('vault_forbidden', 'The vault refused access to the application.', { facts })
  // A secret that is switched off or not valid yet is a 403 with the code SecretDisabled among others.
  if (status === 404) return vaultError('vault_secret_not_found', 'The vault has no such secret.', { facts })
  if (status === 429)
    return vaultError('vault_throttled', 'The vault limits its requests; try again later.', {
      facts,
      retryAfterSeconds: retryAfterOf({ 'retry-after': response?.headers?.get('retry-after') ?? '' }),
    })
  if (status !== undefined && status >= 500)
    return vaultError('vault_unreachable', `The vault failed (status ${status}).`, { facts })
  return vaultError('vault_bad_answer', 'The vault gave an answer that cannot be used.', {
    facts: { ...facts, code: typeof code === 'string' ? code.slice(0, 50) : undefined },
  })
}

function* walkCauses(error: unknown): Generator<unknown> {
  for (let at = error, depth = 0; at instanceof Error && depth < 10; at = at.cause, depth++) yield at
}

const causesOf = (error: unknown): unknown[] => [...walkCauses(error)]

/** What Entra answered is in a cause: an OAuth error and the status that it came with. */
function loginFailureOf(error: unknown): Error {
  const answered = causesOf(error).find(
    (each): each is Error & { errorCode?: string; status: number } =>
      typeof (each as { status?: unknown }).status === 'number',
  )
  const status = answered?.status ?? 0
  const facts = { status, error: answered?.errorCode?.slice(0, 60) }
  if (status >= 400 && status < 500 && status !== 429)
    return vaultError('vault_forbidden', 'Microsoft Entra refused the login of the application.', { facts })
  return vaultError('vault_unreachable', 'The login at Microsoft Entra failed.', { facts })
}
