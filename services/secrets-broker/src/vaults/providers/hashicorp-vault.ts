import { z } from 'zod'
import {
  authObject,
  certificatesPem,
  defineVaultProvider,
  encodeSegments,
  faultOfSegments,
  headerSecret,
  plainText,
  type VaultConnection,
  type VaultReference,
  type VaultSecret,
  type VaultTools,
  vaultAddress,
} from '../define-vault-provider.ts'
import { textValues } from '../secret-values.ts'
import { vaultError } from '../vault-error.ts'
import { createVaultHttp, readJsonObject, type VaultAnswer, type VaultHttp } from '../vault-http.ts'
import { type Call, failureOf } from './hashicorp-failure.ts'
import { createTokenSource, type HashicorpAuth } from './hashicorp-token.ts'

const path = plainText
  .max(200)
  .refine((text) => faultOfSegments(text) === undefined, 'must be a path like team/kv')

const settings = z.strictObject({
  url: vaultAddress,
  namespace: path.optional(),
  /** Where the KV engine is mounted. */
  mount: path.default('secret'),
  /** Asked of the vault where absent. */
  kv_version: z.union([z.literal(1), z.literal(2)]).optional(),
  /** Where AppRole is mounted. */
  approle_mount: path.default('approle'),
  ca_pem: certificatesPem.optional(),
})
type Settings = z.infer<typeof settings>

const auth = z.union(
  [
    authObject({ token: headerSecret }),
    authObject({ role_id: z.string().min(1).max(1000), secret_id: z.string().min(1).max(1000) }),
  ],
  { error: 'must be { token } or { role_id, secret_id }' },
)

/** HashiCorp Vault and OpenBao: KV version 1 and 2, a token or AppRole. */
export const hashicorpVault = defineVaultProvider<Settings, HashicorpAuth>({
  provider: 'hashicorp-vault',
  title: 'HashiCorp Vault or OpenBao',
  settings,
  auth,
  addresses: ({ url }) => ({ url }),
  faultOfPath: faultOfSegments,
  connect,
})

function connect(settings: Settings, auth: HashicorpAuth, tools: VaultTools): VaultConnection {
  const http = createVaultHttp({ outbound: tools.outbound, ca: settings.ca_pem })
  let kvVersion = settings.kv_version && Promise.resolve(settings.kv_version)

  const call = callWith(http, settings)
  const tokens = createTokenSource({ call, auth, mount: settings.approle_mount, now: tools.now })

  /** With a token; with a new one where the vault no longer knows it. */
  async function get(path: string, signal: AbortSignal): Promise<VaultAnswer> {
    const token = await tokens.get()
    const answer = await call({ path, token }, signal)
    if (answer.status !== 403 || !(await tokens.replace(token, signal))) return answer
    return call({ path, token: await tokens.get() }, signal)
  }

  /** One question for all who wait; not asked again once it is answered. */
  function findKvVersion(path: string): Promise<1 | 2> {
    const question = `sys/internal/ui/mounts/${encodeSegments(`${settings.mount}/${path}`)}`
    kvVersion ??= get(question, AbortSignal.timeout(questionTimeoutMs))
      .then(kvVersionOf)
      .catch((error: unknown) => {
        kvVersion = undefined
        throw error
      })
    return kvVersion
  }

  return {
    async read({ path, version }: VaultReference, { signal }) {
      const mount = encodeSegments(settings.mount)
      if ((await findKvVersion(path)) === 1) {
        if (version !== undefined)
          throw vaultError('vault_secret_not_found', 'This key-value engine (version 1) keeps no versions.')
        return secretOfKv1(await get(`${mount}/${encodeSegments(path)}`, signal))
      }
      if (version !== undefined && !/^[1-9]\d{0,9}$/.test(version))
        throw vaultError('vault_secret_not_found', 'The versions of this vault are numbers from 1.')
      const query = version === undefined ? '' : `?version=${version}`
      return secretOfKv2(await get(`${mount}/data/${encodeSegments(path)}${query}`, signal))
    },
    async check({ signal }) {
      // Not in the namespace: OpenBao refuses it there. 429 and 473 are standbys, which forward what they are asked.
      const health = await call({ path: 'sys/health', inNamespace: false }, signal)
      if (![200, 429, 473].includes(health.status)) throw failureOf(health)
      const self = await get('auth/token/lookup-self', signal)
      if (self.status !== 200) throw failureOf(self)
    },
    async close() {
      await tokens.close()
      await http.close()
    },
  }
}

/** What several reads wait for does not end with the one that asked. */
const questionTimeoutMs = 10_000

const callWith =
  (http: VaultHttp, { url, namespace }: Settings): Call =>
  ({ method = 'GET', path, token, body, inNamespace = true }, signal) =>
    http.send({
      method,
      url: `${url}/v1/${path}`,
      headers: {
        'x-vault-request': 'true',
        ...(token === undefined ? {} : { 'x-vault-token': token }),
        ...(namespace === undefined || !inNamespace ? {} : { 'x-vault-namespace': namespace }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal,
    })

function kvVersionOf(answer: VaultAnswer): 1 | 2 {
  if (answer.status !== 200) throw failureOf(answer)
  const { data } = readJsonObject(answer) as { data?: { type?: string; options?: { version?: string } } }
  if (data?.type !== 'kv' && data?.type !== 'generic')
    throw vaultError('vault_secret_not_found', 'What is mounted there is no key-value engine.')
  return data.options?.version === '2' ? 2 : 1
}

function secretOfKv1(answer: VaultAnswer): VaultSecret {
  if (answer.status !== 200) throw failureOf(answer)
  const { data, lease_duration } = readJsonObject(answer)
  return { values: valuesOf(data), version: null, ...leaseOf(lease_duration) }
}

function secretOfKv2(answer: VaultAnswer): VaultSecret {
  if (answer.status !== 200) throw failureOf(answer)
  const { data, lease_duration } = readJsonObject(answer)
  const { data: values, metadata } = (data ?? {}) as { data?: unknown; metadata?: { version?: unknown } }
  if (typeof metadata?.version !== 'number')
    throw vaultError('vault_bad_answer', 'The vault answered no version; is it a KV engine of version 2?')
  return { values: valuesOf(values), version: String(metadata.version), ...leaseOf(lease_duration) }
}

/** A version may hold null instead of keys. */
function valuesOf(data: unknown): Record<string, string> {
  if (data === null) return {}
  if (typeof data !== 'object' || Array.isArray(data))
    throw vaultError('vault_bad_answer', 'The vault answered a secret without keys.')
  return textValues(data as Record<string, unknown>)
}

const leaseOf = (duration: unknown): { leaseSeconds?: number } =>
  typeof duration === 'number' && duration > 0 ? { leaseSeconds: duration } : {}
