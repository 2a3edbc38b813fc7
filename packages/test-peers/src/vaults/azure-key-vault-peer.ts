import { randomBytes } from 'node:crypto'
import { type PeerAnswer, type PeerRequest, startJsonServer } from '../json-server.ts'
import type { TestCertificates } from '../test-certificates.ts'

export type AzureKeyVaultPeer = Awaited<ReturnType<typeof startAzureKeyVaultPeer>>

interface Secret {
  version: string
  value: string
  enabled: boolean
}

/**
 * Azure Key Vault's "Get Secret" (learn.microsoft.com/rest/api/keyvault/secrets/get-secret) with its 401 challenge, and
 * Entra's token endpoint for an application with a secret (learn.microsoft.com/entra/identity-platform/
 * v2-oauth2-client-creds-grant-flow), at one address. Below localhost, so that the SDK's check of the challenge holds.
 */
export async function startAzureKeyVaultPeer(certificates: TestCertificates) {
  const secrets = new Map<string, Secret[]>()
  const tokens = new Set<string>()
  let next: PeerAnswer[] = []
  const tenantId = 'contoso.example'
  const clientId = '7f0c1c8e-3a55-4c9c-9f4d-5a2f6d1c0b11'
  const clientSecret = 'azure~client~secret'
  const base = () => `https://keys.vaults.localhost:${server.port}`
  const authority = () => `https://login.vaults.localhost:${server.port}`

  const refuse = (status: number, code: string, message: string, headers = {}): PeerAnswer => ({
    status,
    headers,
    body: { error: { code, message } },
  })

  function answer(request: PeerRequest): PeerAnswer {
    const isToken = request.path.startsWith(`/${tenantId}/`)
    if (isToken) return issueToken(request)
    if (!tokens.has(request.headers.authorization?.replace('Bearer ', '') ?? ''))
      return refuse(401, 'Unauthorized', 'AKV10000: Request is missing a Bearer or PoP token.', {
        'www-authenticate': `Bearer authorization="${authority()}/${tenantId}", resource="https://vaults.localhost"`,
      })
    const planned = next.shift()
    if (planned !== undefined) return planned
    const [, name = '', version = ''] = /^\/secrets\/([^/]+)(?:\/([^/]*))?$/.exec(request.path) ?? []
    const versions = secrets.get(name)
    const found = version === '' ? versions?.at(-1) : versions?.find((each) => each.version === version)
    if (found === undefined)
      return refuse(404, 'SecretNotFound', `A secret with (name/id) ${name} was not found in this key vault.`)
    if (!found.enabled) return refuse(403, 'Forbidden', 'Operation get is not allowed on a disabled secret.')
    return {
      status: 200,
      body: {
        value: found.value,
        id: `${base()}/secrets/${name}/${found.version}`,
        attributes: { enabled: true, created: 1763796754, updated: 1763796754, recoveryLevel: 'Recoverable' },
      },
    }
  }

  function issueToken({ path, body }: PeerRequest): PeerAnswer {
    const tenant = `${authority()}/${tenantId}`
    if (path.endsWith('/.well-known/openid-configuration'))
      return {
        status: 200,
        body: {
          issuer: `${tenant}/v2.0`,
          authorization_endpoint: `${tenant}/oauth2/v2.0/authorize`,
          token_endpoint: `${tenant}/oauth2/v2.0/token`,
          jwks_uri: `${tenant}/discovery/v2.0/keys`,
        },
      }
    const form = new URLSearchParams(body)
    if (form.get('client_id') !== clientId || form.get('client_secret') !== clientSecret)
      return {
        status: 401,
        body: {
          error: 'invalid_client',
          error_description: 'AADSTS7000215: Invalid client secret provided.',
          error_codes: [7000215],
        },
      }
    const token = randomBytes(24).toString('base64url')
    tokens.add(token)
    return {
      status: 200,
      body: { token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599, access_token: token },
    }
  }

  const server = await startJsonServer({ tls: certificates.server, answer })
  return {
    settings: {
      vault_url: base(),
      tenant_id: tenantId,
      client_id: clientId,
      authority_host: authority(),
      ca_pem: certificates.ca,
    },
    auth: { client_secret: clientSecret },
    requests: server.requests,
    /** A new version of the secret; answers its version. */
    put(name: string, value: string, { enabled = true } = {}): string {
      const version = randomBytes(16).toString('hex')
      secrets.set(name, [...(secrets.get(name) ?? []), { version, value, enabled }])
      return version
    },
    /** The next reads are answered so, one each. */
    answerNext(...answers: PeerAnswer[]) {
      next = [...next, ...answers]
    },
    close: server.close,
  }
}
