import { createHash } from 'node:crypto'
import { AppError } from '@opsconductor/errors'
import type { ConnectionInput, HeldCredential } from '@opsconductor/reach'
import * as oauth from 'oauth4webapi'
import type { StepTools } from '../../step-types/define-step-type.ts'
import type { AccessToken } from './token-cache.ts'

const answerBytesMax = 256 * 1024
/** A token is not used in its last seconds: the request has to arrive. At most a tenth of its life. */
const leewaySeconds = 30
/** RFC 6749 section 5.1 only recommends that the server says how long. */
const lifetimeSecondsDefault = 300
const lifetimeSecondsMax = 24 * 3600

/** RFC 6749 section 5.2; anything else that a server says is not quoted. */
const knownErrors = new Set([
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'invalid_target',
])

/** A token for the client's own use, remembered until shortly before it ends, and how to say that it was refused. */
export async function accessToken(
  credential: HeldCredential,
  tools: StepTools,
  connection: ConnectionInput | undefined,
): Promise<{ text: string; drop(): void }> {
  const client = clientOf(credential)
  const key = createHash('sha256')
    .update(JSON.stringify([credential.id, client]))
    .digest('base64')
  const token = await tools.accessTokens.get(
    key,
    (last) => {
      const refreshToken = last?.refreshToken ?? client.refreshToken
      if (refreshToken !== undefined) tools.alsoRedact(refreshToken)
      return askForToken({ ...client, refreshToken }, tools, connection)
    },
    tools.signal,
  )
  // Also where another step asked for it.
  tools.alsoRedact(token.text)
  if (token.refreshToken !== undefined) tools.alsoRedact(token.refreshToken)
  return { text: token.text, drop: () => tools.accessTokens.drop(key, token) }
}

interface OAuth2Client {
  tokenUrl: string
  clientId: string
  clientSecret: string
  refreshToken: string | undefined
  style: 'basic' | 'post'
  parameters: Record<string, string>
}

function clientOf({ secret, extra }: HeldCredential): OAuth2Client {
  const { token_url: tokenUrl, client_id: clientId, auth_style: style } = extra
  const clientSecret = secret.client_secret?.reveal()
  if (typeof tokenUrl !== 'string' || typeof clientId !== 'string' || clientSecret === undefined)
    throw new AppError('step_failed', 'The credential lacks what a token is asked for with.')
  return {
    tokenUrl,
    clientId,
    clientSecret,
    refreshToken: secret.refresh_token?.reveal(),
    style: style === 'post' ? 'post' : 'basic',
    parameters: Object.fromEntries(
      Object.entries({ scope: extra.scope, audience: extra.audience }).filter(
        (parameter): parameter is [string, string] => typeof parameter[1] === 'string',
      ),
    ),
  }
}

async function askForToken(
  { tokenUrl, clientId, clientSecret, refreshToken, style, parameters }: OAuth2Client,
  tools: StepTools,
  connection: ConnectionInput | undefined,
): Promise<AccessToken> {
  const server = { issuer: new URL(tokenUrl).origin, token_endpoint: tokenUrl }
  const client = { client_id: clientId }
  const authentication = (style === 'post' ? oauth.ClientSecretPost : oauth.ClientSecretBasic)(clientSecret)
  const options = {
    [oauth.customFetch]: fetchOf(tools, connection),
    // The broker takes http for loopback only.
    [oauth.allowInsecureRequests]: new URL(tokenUrl).protocol === 'http:',
  }
  try {
    const answer =
      refreshToken === undefined
        ? await oauth.processClientCredentialsResponse(
            server,
            client,
            await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, options),
          )
        : await oauth.processRefreshTokenResponse(
            server,
            client,
            await oauth.refreshTokenGrantRequest(server, client, authentication, refreshToken, {
              ...options,
              additionalParameters: parameters,
            }),
          )
    if (answer.token_type !== 'bearer' || !/^[\x21-\x7e]{1,16384}$/.test(answer.access_token))
      throw notAToken()
    return {
      text: answer.access_token,
      staleAt: Date.now() + usableSeconds(answer.expires_in) * 1000,
      refreshToken: answer.refresh_token ?? refreshToken,
    }
  } catch (error) {
    throw tokenError(error)
  }
}

function usableSeconds(lifetime = lifetimeSecondsDefault): number {
  const seconds = Math.min(lifetime, lifetimeSecondsMax)
  return seconds - Math.min(leewaySeconds, seconds / 10)
}

/** What the library sends goes the way of every request of the step: checked, limited and recorded. */
function fetchOf(tools: StepTools, connection: ConnectionInput | undefined) {
  return async (
    url: string,
    { method, headers, body }: oauth.CustomFetchOptions<'POST', URLSearchParams>,
  ): Promise<Response> => {
    const answer = await tools.http({
      method,
      url: new URL(url),
      headers: { ...headers, 'accept-encoding': 'identity' },
      body: body.toString(),
      bodyBytesMax: answerBytesMax,
      hidesAnswer: true,
      wants: (status) => status < 500 && status !== 429,
      // `verify: false` is said of the step's target: this server is sent the client's secret.
      connection: { ...connection, verify: true },
    })
    const { status } = answer
    if (status === 429 || status >= 500)
      throw new AppError('target_failed', `The token endpoint answered ${status}.`)
    if ((status === 401 || status === 403) && !knownErrors.has(errorOf(answer.body)))
      throw refused(`it answered ${status}`)
    return Response.json(withoutIdToken(answer.body), { status })
  }
}

const errorOf = (body: unknown): string => String((body as { error?: unknown } | null)?.error)

/** It says who a person is, which is not asked here, and would be held against an issuer that nobody told us. */
function withoutIdToken(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return body
  const { id_token: _, ...others } = body as Record<string, unknown>
  return others
}

function tokenError(error: unknown): unknown {
  if (error instanceof AppError) return error
  if (error instanceof oauth.ResponseBodyError && knownErrors.has(error.error)) return refused(error.error)
  return notAToken()
}

const refused = (why: string) =>
  new AppError('target_refused', `The token endpoint refused the client: ${why}.`, {
    internal: { refusedCredential: true },
  })

const notAToken = () =>
  new AppError('step_failed', 'The token endpoint did not answer with a bearer token that can be used.')
