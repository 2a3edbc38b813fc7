import { createHmac } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { startOAuth2Peer } from '@opsconductor/test-peers'
import { isSignedForAws } from './aws-signature.ts'
import type { Auth } from './family.ts'

const username = 'robot'
const password = 'Mornings-are-4-coffee'
const token = 'tok-contract-0123456789'
const key = 'key-contract-0123456789'
const signingKey = 'signing-contract-0123456789'
const aws = { id: 'AKIDCONTRACT0000EXAMPLE', secret: 'aws-contract-secret-0123456789' }

type AuthorisationServer = Awaited<ReturnType<typeof startOAuth2Peer>>

/** Each way to log in to the HTTP server that asks who calls. */
export function httpAuths({ clients, tokenUrl }: AuthorisationServer): Auth[] {
  const { service } = clients
  const signing = { type: 'webhook_secret', secret: { secret: signingKey } }
  return [
    { name: '`bearer_token`', credential: { type: 'bearer_token', secret: { token } } },
    { name: '`http_basic`', credential: { type: 'http_basic', secret: { password }, extra: { username } } },
    { name: '`api_key` in a header', credential: { type: 'api_key', secret: { key } } },
    {
      name: '`api_key` in the query',
      credential: { type: 'api_key', secret: { key }, extra: { query_name: 'api_key' } },
    },
    {
      name: '`oauth2_client` (client credentials)',
      credential: {
        type: 'oauth2_client',
        secret: { client_secret: service.secret },
        extra: { client_id: service.id, token_url: tokenUrl, auth_style: service.style },
      },
    },
    {
      name: '`aws` (Signature Version 4)',
      credential: {
        type: 'aws',
        secret: { secret_access_key: aws.secret },
        extra: { access_key_id: aws.id, region: 'eu-central-1' },
      },
    },
    { name: '`webhook_secret` (HMAC)', credential: signing },
    { name: '`custom` (HMAC)', credential: { type: 'custom', secret: { value: signingKey } } },
  ]
}

/** What the input must say for a login that is no mere header. */
export function inputFor({ credential }: Auth): object {
  if (credential?.type === 'aws') return { aws_service: 'execute-api' }
  if (credential?.type === 'webhook_secret' || credential?.type === 'custom') return { hmac }
  return {}
}

const hmac = {
  header: 'X-Signature',
  prefix: 'sha256=',
  signed: ['timestamp', 'body'],
  separator: '.',
  timestamp: { header: 'X-Timestamp' },
}

interface Asked {
  method: string
  url: string
  headers: IncomingHttpHeaders
  body: Buffer
  hasCertificate: boolean
}

/** Whether the request shows that it comes from somebody who is known. */
export async function isKnown(asked: Asked, authorisation: AuthorisationServer): Promise<boolean> {
  const { headers, url, body, hasCertificate } = asked
  const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1]
  const signed = createHmac('sha256', signingKey).update(`${headers['x-timestamp']}.`).update(body)
  return (
    hasCertificate ||
    bearer === token ||
    headers.authorization === `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` ||
    headers['x-api-key'] === key ||
    new URL(url, 'https://x').searchParams.get('api_key') === key ||
    headers['x-signature'] === `sha256=${signed.digest('hex')}` ||
    isSignedForAws(asked, aws) ||
    (bearer !== undefined && (await authorisation.isValid(bearer)))
  )
}
