import { z } from 'zod'
import {
  authObject,
  certificatesPem,
  defineVaultProvider,
  faultOfSegments,
  plainText,
  privateKeyPem,
  type VaultConnection,
  type VaultTools,
  vaultAddress,
} from '../define-vault-provider.ts'
import { textValues } from '../secret-values.ts'
import { isVaultError, vaultError } from '../vault-error.ts'
import { createVaultHttp, readJsonObject, retryAfterOf, type VaultAnswer } from '../vault-http.ts'

const settings = z.strictObject({
  url: vaultAddress,
  app_id: plainText.max(127),
  /** The web service's name where it is not the usual one: installations name one per way of logging in. */
  service: z
    .string()
    .regex(/^[\w-]{1,100}$/, 'must be the name of an IIS application')
    .default('AIMWebService'),
  ca_pem: certificatesPem.optional(),
})
type Settings = z.infer<typeof settings>

/** Empty where the application is known by the address of this machine. */
const auth = z.union(
  [authObject({}), authObject({ client_certificate: certificatesPem, client_key: privateKeyPem })],
  { error: 'must be {} or { client_certificate, client_key } in PEM' },
)
type Auth = z.infer<typeof auth>

/** CyberArk Central Credential Provider: its web service GetPassword (REST). */
export const cyberarkCcp = defineVaultProvider<Settings, Auth>({
  provider: 'cyberark-ccp',
  title: 'CyberArk Central Credential Provider',
  settings,
  auth,
  addresses: ({ url }) => ({ url }),
  faultOfPath,
  connect,
})

/** The service takes none of these in a value, encoded or not. */
function faultOfPath(path: string): string | undefined {
  if (path.split('/').length < 2) return 'must be safe/object or safe/folder/object'
  if (/[+&%;]/.test(path)) return 'must hold none of + & % ;'
  return faultOfSegments(path)
}

/** No object of anybody: that it is not there says that the service let us in and looked. */
const absentObject = { Safe: 'opsconductor', Object: 'opsconductor-connection-check' }

function connect(settings: Settings, auth: Auth, tools: VaultTools): VaultConnection {
  const client =
    'client_certificate' in auth ? { certificate: auth.client_certificate, key: auth.client_key } : undefined
  const http = createVaultHttp({ outbound: tools.outbound, ca: settings.ca_pem, client })

  async function getPassword(query: Record<string, string>, signal: AbortSignal) {
    const search = Object.entries({ AppID: settings.app_id, ...query })
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      .join('&')
    const answer = await http.send({
      method: 'GET',
      url: `${settings.url}/${settings.service}/api/Accounts?${search}`,
      headers: { accept: 'application/json' },
      signal,
    })
    if (answer.status !== 200) throw failureOf(answer)
    return readJsonObject(answer)
  }

  return {
    async read({ path, version }, { signal }) {
      if (version !== undefined)
        throw vaultError('vault_secret_not_found', 'This kind of vault gives only the present version.')
      const segments = path.split('/')
      const folder = segments.slice(1, -1).join('\\')
      const account = await getPassword(
        {
          Safe: segments[0] as string,
          ...(folder === '' ? {} : { Folder: folder }),
          Object: segments.at(-1) as string,
        },
        signal,
      )
      if (typeof account.Content !== 'string')
        throw vaultError('vault_bad_answer', 'The vault answered an account without `Content`.')
      // The password under a name that does not depend on the kind of vault, as the others have it.
      return { values: { ...textValues(account), value: account.Content }, version: null }
    },
    async check({ signal }) {
      await getPassword(absentObject, signal).catch((error: unknown) => {
        if (!isVaultError(error) || error.code !== 'vault_secret_not_found') throw error
      })
    },
    close: () => http.close(),
  }
}

function failureOf(answer: VaultAnswer): Error {
  const { status } = answer
  const code = errorCodeOf(answer)
  const facts = { status, error: code }
  const named = code === undefined ? `status ${status}` : code
  switch (code) {
    case 'APPAP004E':
      return vaultError(
        'vault_secret_not_found',
        `The vault has no such object, or it is not shared with us (${named}).`,
        { facts },
      )
    case 'APPAP227E':
    case 'APPAP228E':
    case 'APPAP229E':
      return vaultError('vault_secret_not_found', `More than one object matches (${named}).`, { facts })
    case 'APPAP007E':
      return vaultError('vault_unreachable', `The provider has no connection to its vault (${named}).`, {
        facts,
      })
    case 'APPAP282E':
      return vaultError('vault_throttled', `The password is being changed just now (${named}).`, { facts })
  }
  if (status === 401 || status === 403)
    return vaultError('vault_forbidden', `The vault refused access to the application (${named}).`, { facts })
  if (status === 429)
    return vaultError('vault_throttled', 'The vault limits its requests; try again later.', {
      facts,
      retryAfterSeconds: retryAfterOf(answer.headers),
    })
  if (status >= 500) return vaultError('vault_unreachable', `The vault failed (${named}).`, { facts })
  return vaultError('vault_bad_answer', `The vault refused the request (${named}).`, { facts })
}

/** Its message is dropped: it quotes the query. */
function errorCodeOf(answer: VaultAnswer): string | undefined {
  try {
    const { ErrorCode } = JSON.parse(answer.body.toString('utf8')) as { ErrorCode?: unknown }
    return typeof ErrorCode === 'string' && /^[A-Z]{4,6}\d{3}[A-Z]$/.test(ErrorCode) ? ErrorCode : undefined
  } catch {
    return undefined
  }
}
