import { Readable } from 'node:stream'
import type { SecretsManagerClient, SecretsManagerClientConfig } from '@aws-sdk/client-secrets-manager'
import { z } from 'zod'
import {
  authObject,
  certificatesPem,
  defineVaultProvider,
  headerSecret,
  type VaultConnection,
  type VaultTools,
  vaultAddress,
} from '../define-vault-provider.ts'
import { valuesOfText } from '../secret-values.ts'
import { isVaultError, vaultError } from '../vault-error.ts'
import { createVaultHttp, retryAfterOf, type VaultHttp } from '../vault-http.ts'

const settings = z.strictObject({
  region: z.string().regex(/^[a-z0-9-]{1,50}$/, 'must be a region like eu-central-1'),
  /** A VPC endpoint, say; absent: the region's own. */
  endpoint: vaultAddress.optional(),
  ca_pem: certificatesPem.optional(),
})
type Settings = z.infer<typeof settings>

const auth = authObject({
  access_key_id: headerSecret.max(200),
  secret_access_key: headerSecret.max(1000),
  session_token: headerSecret.optional(),
})
type Auth = z.infer<typeof auth>

/** AWS Secrets Manager, through Amazon's SDK. */
export const awsSecretsManager = defineVaultProvider<Settings, Auth>({
  provider: 'aws-secrets-manager',
  title: 'AWS Secrets Manager',
  settings,
  auth,
  addresses: ({ endpoint }): Record<string, string> => (endpoint === undefined ? {} : { endpoint }),
  faultOfPath: (path) =>
    /^[\w/+=.@:!-]{1,2048}$/.test(path) ? undefined : 'must be the name or the ARN of a secret',
  connect,
})

/** No secret of anybody: that it is not there, or not ours to read, says that the signature was right. */
const absentSecret = 'opsconductor-connection-check'

function connect(settings: Settings, auth: Auth, tools: VaultTools): VaultConnection {
  const http = createVaultHttp({ outbound: tools.outbound, ca: settings.ca_pem })
  let client: Promise<SecretsManagerClient> | undefined

  async function read(SecretId: string, version: string | undefined, signal: AbortSignal) {
    client ??= createClient(settings, auth, http)
    const { GetSecretValueCommand } = await import('@aws-sdk/client-secrets-manager')
    try {
      const command = new GetSecretValueCommand({ SecretId, ...versionOf(version) })
      return await (await client).send(command, { abortSignal: signal })
    } catch (error) {
      throw signal.aborted ? signal.reason : failureOf(error)
    }
  }

  return {
    async read({ path, version }, { signal }) {
      const { SecretString, SecretBinary, VersionId } = await read(path, version, signal)
      if (SecretString === undefined && SecretBinary === undefined)
        throw vaultError('vault_bad_answer', 'The vault answered a secret without a value.')
      return {
        values:
          SecretString === undefined
            ? { value: Buffer.from(SecretBinary ?? []).toString('base64') }
            : valuesOfText(SecretString),
        version: VersionId ?? null,
      }
    },
    async check({ signal }) {
      await read(absentSecret, undefined, signal).catch((error: unknown) => {
        const { code, internal } = error as { code?: string; internal?: { error?: string } }
        if (code !== 'vault_secret_not_found' && internal?.error !== 'AccessDeniedException') throw error
      })
    },
    async close() {
      ;(await client)?.destroy()
      await http.close()
    },
  }
}

/** A version is a UUID of 32 to 64 characters; anything else is the name of a stage, as AWSPREVIOUS. */
const versionOf = (version: string | undefined) =>
  version === undefined
    ? {}
    : /^[\w-]{32,64}$/.test(version)
      ? { VersionId: version }
      : { VersionStage: version }

/** The SDK is loaded by the first vault of this kind: it costs memory and time that other brokers need not pay. */
async function createClient(settings: Settings, auth: Auth, http: VaultHttp): Promise<SecretsManagerClient> {
  const { SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager')
  return new SecretsManagerClient({
    region: settings.region,
    ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint }),
    credentials: {
      accessKeyId: auth.access_key_id,
      secretAccessKey: auth.secret_access_key,
      ...(auth.session_token === undefined ? {} : { sessionToken: auth.session_token }),
    },
    maxAttempts: 1,
    requestHandler: awsHandler(http),
  })
}

/** The SDK's requests by our own way, with its rules on addresses, redirects and sizes. */
function awsHandler(http: VaultHttp) {
  const handler = {
    async handle(
      request: AwsRequest,
      { abortSignal }: { abortSignal?: unknown } = {},
    ): Promise<{ response: AwsResponse }> {
      const { protocol, hostname, port, path, query = {} } = request
      const search = new URLSearchParams(query as Record<string, string>).toString()
      const { status, headers, body } = await http.send({
        method: request.method as 'POST',
        url: `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}${search === '' ? '' : `?${search}`}`,
        headers: request.headers,
        body: request.body ?? null,
        signal: abortSignal instanceof AbortSignal ? abortSignal : AbortSignal.timeout(10_000),
      })
      return { response: { statusCode: status, headers, body: Readable.from([body]) } }
    },
    updateHttpClientConfig() {},
    httpHandlerConfigs: () => ({}),
  }
  // The SDK asks for its own response class, and then looks only at these three fields.
  return handler as unknown as NonNullable<SecretsManagerClientConfig['requestHandler']>
}

interface AwsRequest {
  protocol: string
  hostname: string
  port?: number
  path: string
  query?: unknown
  method: string
  headers: Record<string, string>
  body?: string
}

interface AwsResponse {
  statusCode: number
  headers: Record<string, string>
  body: Readable
}

interface SdkError {
  name?: string
  $metadata?: { httpStatusCode?: number }
  $response?: { headers?: Record<string, string> }
}

const forbidden = new Set([
  'AccessDeniedException',
  'UnrecognizedClientException',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'IncompleteSignature',
  'MissingAuthenticationToken',
  'InvalidClientTokenId',
  'ExpiredTokenException',
  'ExpiredToken',
  'OptInRequired',
  'NotAuthorized',
  'DecryptionFailure',
])

const throttled = new Set([
  'ThrottlingException',
  'Throttling',
  'TooManyRequestsException',
  'RequestLimitExceeded',
])

/** The SDK's texts are not passed on: they quote what the vault said. */
function failureOf(error: unknown): Error {
  if (isVaultError(error)) return error
  const { name = '', $metadata, $response } = (error ?? {}) as SdkError
  const status = $metadata?.httpStatusCode
  const facts = { error: name.slice(0, 60), status }
  if (forbidden.has(name) || status === 401 || status === 403)
    return vaultError('vault_forbidden', 'AWS refused access with this access key.', { facts })
  if (name === 'ResourceNotFoundException')
    return vaultError('vault_secret_not_found', 'The vault has no such secret, or no such version of it.', {
      facts,
    })
  if (name === 'InvalidRequestException')
    return vaultError('vault_secret_not_found', 'The secret is marked for deletion in the vault.', { facts })
  if (throttled.has(name) || status === 429)
    return vaultError('vault_throttled', 'The vault limits its requests; try again later.', {
      facts,
      retryAfterSeconds: retryAfterOf($response?.headers ?? {}),
    })
  if (status !== undefined && status >= 500)
    return vaultError('vault_unreachable', `The vault failed (status ${status}).`, { facts })
  return vaultError('vault_bad_answer', 'The vault gave an answer that cannot be used.', { facts })
}
