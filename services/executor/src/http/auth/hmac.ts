import { createHash, createHmac } from 'node:crypto'
import { HeaderName, HeaderValue, SettableHeaderName } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { HeldCredential } from '@opsconductor/reach'
import { z } from 'zod'
import type { HttpRequest } from '../exchange.ts'
import { headerOf } from '../header-fields.ts'

const Part = z.union([
  z.enum(['method', 'host', 'path', 'query', 'path_and_query', 'url', 'timestamp', 'body', 'body_sha256']),
  z.object({ text: HeaderValue.max(200) }).strict(),
  z.object({ header: HeaderName }).strict(),
])

/**
 * The MAC of the parts of a request, joined by a separator, in a header. Many APIs sign like this, each with parts of its
 * own: Slack's is `{ header: 'X-Slack-Signature', prefix: 'v0=', signed: [{ text: 'v0' }, 'timestamp', 'body'],
 * separator: ':', timestamp: { header: 'X-Slack-Request-Timestamp' } }`.
 */
export const Hmac = z
  .object({
    header: SettableHeaderName.describe('Where the signature goes.'),
    prefix: HeaderValue.max(100).default('').describe('What stands before it, as in sha256=.'),
    algorithm: z.enum(['sha256', 'sha512']).default('sha256').describe('The hash of the HMAC.'),
    encoding: z.enum(['hex', 'base64', 'base64url']).default('hex').describe('Of the signature.'),
    signed: z
      .array(Part)
      .min(1)
      .max(30)
      .default(['body'])
      .describe('What is signed, in this order; body_sha256 is in hex.'),
    separator: z.string().max(10).default('\n').describe('What stands between the parts.'),
    timestamp: z
      .object({
        header: SettableHeaderName.describe('Where it goes.'),
        unit: z
          .enum(['seconds', 'milliseconds', 'rfc3339'])
          .default('seconds')
          .describe('Since 1970, or as a text.'),
      })
      .strict()
      .optional()
      .describe('A header with the time of the request, for the part timestamp.'),
    secret_field: z
      .string()
      .max(64)
      .optional()
      .describe('Of a custom credential: which of its secrets is the key.'),
    key_encoding: z
      .enum(['text', 'hex', 'base64'])
      .default('text')
      .describe('How the secret stands for the key. A whsec_ secret is always base64.'),
  })
  .strict()
export type Hmac = z.infer<typeof Hmac>

export const hmacCredentialTypes = ['webhook_secret', 'custom']

/** The request with its signature. Nothing that is signed is changed after this. */
export function signWithHmac(
  request: HttpRequest,
  hmac: Hmac,
  credential: HeldCredential,
  now = new Date(),
): HttpRequest {
  const timestamp = timestampOf(now, hmac.timestamp?.unit ?? 'seconds')
  const headers = {
    ...request.headers,
    ...(hmac.timestamp && { [hmac.timestamp.header.toLowerCase()]: timestamp }),
  }
  const mac = createHmac(hmac.algorithm, keyOf(hmac, credential))
  for (const [index, part] of hmac.signed.entries()) {
    if (index > 0) mac.update(hmac.separator)
    mac.update(partOf(part, { ...request, headers }, timestamp))
  }
  headers[hmac.header.toLowerCase()] = hmac.prefix + mac.digest(hmac.encoding)
  return { ...request, headers }
}

function partOf(part: z.infer<typeof Part>, request: HttpRequest, timestamp: string): string | Uint8Array {
  const { url, method, body = '' } = request
  if (typeof part === 'object')
    return 'text' in part ? part.text : (headerOf(request.headers, part.header) ?? '')
  if (part === 'method') return method
  if (part === 'host') return url.host
  if (part === 'path') return url.pathname
  if (part === 'query') return url.search.slice(1)
  if (part === 'path_and_query') return url.pathname + url.search
  if (part === 'url') return url.href
  if (part === 'timestamp') return timestamp
  return part === 'body' ? body : createHash('sha256').update(body).digest('hex')
}

function timestampOf(now: Date, unit: 'seconds' | 'milliseconds' | 'rfc3339'): string {
  if (unit === 'rfc3339') return now.toISOString()
  return String(unit === 'seconds' ? Math.floor(now.getTime() / 1000) : now.getTime())
}

function keyOf({ secret_field, key_encoding }: Hmac, { type, secret }: HeldCredential): Buffer {
  const field = secret_field ?? (type === 'webhook_secret' ? 'secret' : 'value')
  const text = Object.hasOwn(secret, field) ? secret[field]?.reveal() : undefined
  if (text === undefined) throw new AppError('step_failed', `The credential has no secret ${field}.`)
  const isWhsec = text.startsWith('whsec_')
  const encoding = isWhsec ? 'base64' : key_encoding === 'text' ? 'utf8' : key_encoding
  const key = Buffer.from(isWhsec ? text.slice('whsec_'.length) : text, encoding)
  if (key.length < 4)
    throw new AppError('step_failed', `The credential's secret ${field} is not ${key_encoding}.`)
  return key
}
