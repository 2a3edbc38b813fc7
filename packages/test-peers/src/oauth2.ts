import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import { Provider } from 'oidc-provider'

const secret = () => randomBytes(24).toString('base64url')

/**
 * A real OAuth 2.0 authorisation server. It gives tokens to `service` (client credentials) and for refresh tokens of
 * `web`; a refresh token serves once, and one that comes twice ends all that was given for it.
 */
export async function startOAuth2Peer(options: { tokenSeconds?: number } = {}) {
  const clients = {
    service: { id: 'service', secret: secret(), style: 'basic' },
    web: { id: 'web', secret: secret(), style: 'post' },
  } as const
  const asked: string[] = []
  let provider: Provider | undefined
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/token')) asked.push(request.headers.authorization ?? '')
    provider?.callback()(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const url = `http://127.0.0.1:${port}`
  const known = await createProvider(url, clients, options.tokenSeconds ?? 600)
  provider = known
  return {
    port,
    tokenUrl: `${url}/token`,
    clients,
    /** The Authorization header of every request for a token. */
    asked,
    async isValid(token: string): Promise<boolean> {
      const found = (await known.ClientCredentials.find(token)) ?? (await known.AccessToken.find(token))
      return found?.isValid ?? false
    },
    /** As somebody who logged in and agreed would have got it. */
    async issueRefreshToken(): Promise<string> {
      const of = { accountId: 'ada', clientId: clients.web.id }
      const grant = new known.Grant(of)
      grant.addOIDCScope('openid offline_access')
      const grantId = await grant.save()
      const client = await known.Client.find(clients.web.id)
      const token = { client, accountId: of.accountId, grantId, scope: 'openid offline_access' }
      return new known.RefreshToken({ ...token, gty: 'authorization_code', rotations: 0 }).save()
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function createProvider(
  issuer: string,
  { service, web }: Record<'service' | 'web', { id: string; secret: string }>,
  tokenSeconds: number,
): Promise<Provider> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const redirect_uris = ['https://web.example/callback']
  return new Provider(issuer, {
    clients: [
      {
        client_id: service.id,
        client_secret: service.secret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        token_endpoint_auth_method: 'client_secret_basic',
      },
      {
        client_id: web.id,
        client_secret: web.secret,
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris,
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    scopes: ['openid', 'offline_access', 'read'],
    findAccount: (_: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
    rotateRefreshToken: () => true,
    ttl: {
      ClientCredentials: tokenSeconds,
      AccessToken: tokenSeconds,
      RefreshToken: 3600,
      Grant: 3600,
      IdToken: 60,
    },
    cookies: { keys: [secret()] },
    adapter: memoryAdapter(),
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig' }] },
  })
}

/** The library warns of its own. */
function memoryAdapter() {
  const kept = new Map<string, Record<string, unknown>>()
  return (kind: string) => ({
    upsert: async (id: string, payload: Record<string, unknown>) => void kept.set(`${kind} ${id}`, payload),
    find: async (id: string) => kept.get(`${kind} ${id}`),
    destroy: async (id: string) => void kept.delete(`${kind} ${id}`),
    consume: async (id: string) => void Object.assign(kept.get(`${kind} ${id}`) ?? {}, { consumed: 1 }),
    async revokeByGrantId(grantId: string) {
      for (const [key, payload] of kept) if (payload.grantId === grantId) kept.delete(key)
    },
  })
}
