import { isOwnHeader } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { HeldCredential } from '@opsconductor/reach'
import type { StepTools } from '../../step-types/define-step-type.ts'
import type { HttpRequest } from '../exchange.ts'
import { signForAws } from './aws.ts'
import { type Hmac, hmacCredentialTypes, signWithHmac } from './hmac.ts'
import { accessToken } from './oauth2.ts'

/** The types that an http step takes; `custom` and `webhook_secret` only where it says what to sign with them. */
export const httpCredentialTypes = [
  'http_basic',
  'bearer_token',
  'api_key',
  'oauth2_client',
  'aws',
  ...hmacCredentialTypes,
]

export interface AuthenticationInput {
  hmac?: Hmac | undefined
  aws_service?: string | undefined
  aws_region?: string | undefined
}

interface Authenticated {
  request: HttpRequest
  /** The target said 401: forgets what can be had anew. Undefined where there is nothing. */
  forget?: () => void
}

/** The request with what the step's credential adds to it. */
export async function authenticate(
  request: HttpRequest,
  input: AuthenticationInput,
  tools: StepTools,
): Promise<Authenticated> {
  const { credential } = tools
  if (request.isAnonymous) return { request }
  if (credential === undefined) {
    if (input.hmac === undefined) return { request }
    throw new AppError('step_failed', 'input.hmac needs a credential to sign with, and the step has none.')
  }
  if (input.hmac !== undefined) return { request: signed(request, input.hmac, credential) }
  if (credential.type === 'aws') return { request: signForAws(request, input, credential) }
  if (credential.type !== 'oauth2_client') return { request: withParts(request, credential) }
  const token = await accessToken(credential, tools, request.connection)
  const headers = { ...request.headers, authorization: `Bearer ${token.text}` }
  return { request: { ...request, headers }, forget: token.drop }
}

function signed(request: HttpRequest, hmac: Hmac, credential: HeldCredential): HttpRequest {
  if (hmacCredentialTypes.includes(credential.type)) return signWithHmac(request, hmac, credential)
  throw new AppError('step_failed', `A credential of type ${credential.type} is not a key for hmac.`)
}

/** Whatever its type: the broker says what a credential adds. */
function withParts(request: HttpRequest, { type, http }: HeldCredential): HttpRequest {
  if (http === null)
    throw new AppError('step_failed', `A credential of type ${type} cannot be applied to an HTTP request.`)
  const headers = { ...request.headers }
  const url = new URL(request.url)
  for (const [name, value] of Object.entries(http.headers)) {
    if (isOwnHeader(name) || name.toLowerCase() === 'content-type')
      throw new AppError('step_failed', 'The credential sets a header that frames the request.')
    headers[name.toLowerCase()] = value.reveal()
  }
  for (const [name, value] of Object.entries(http.query)) url.searchParams.set(name, value.reveal())
  return { ...request, url, headers }
}
