import { createHash } from 'node:crypto'
import { AppError } from '@opsconductor/errors'
import type { HeldCredential } from '@opsconductor/reach'
import {
  faultOfSigningSecret,
  signGithubWebhook,
  signStandardWebhook,
} from '@opsconductor/webhook-signatures'
import { isDeeperThan } from '../json-limits.ts'
import type { WebhookInput } from './webhook-input.ts'

const payloadDepthMax = 100

/** What receivers know a repetition by: the same for all attempts of a step, and nobody else's. */
export const webhookIdOf = (idempotencyKey: string): string =>
  `msg_${createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 32)}`

export interface WebhookBody {
  text: string
  contentType: string
}

/** The body, the same whenever it is built. `occurredAt`: when the message first was to be sent. */
export function buildBody(
  { payload, body, content_type, event_type, signature }: WebhookInput,
  occurredAt: Date,
): WebhookBody {
  if (payload === undefined)
    return { text: (body ?? '').toWellFormed(), contentType: content_type ?? 'text/plain; charset=utf-8' }
  if (isDeeperThan(payload, payloadDepthMax))
    throw new AppError('validation_failed', `input.payload nests deeper than ${payloadDepthMax}.`)
  const isWrapped = event_type !== undefined && signature !== 'github'
  const value = isWrapped ? { type: event_type, timestamp: occurredAt.toISOString(), data: payload } : payload
  return { text: JSON.stringify(value), contentType: content_type ?? 'application/json' }
}

export interface OutgoingWebhook {
  id: string
  body: WebhookBody
  /** When this attempt is made. */
  at: Date
}

/** The request's headers, signed. The job's own come first, so that none of them stands in for a signature. */
export function buildHeaders(
  { headers, signature, event_type }: Pick<WebhookInput, 'headers' | 'signature' | 'event_type'>,
  { id, body, at }: OutgoingWebhook,
  credential: HeldCredential | undefined,
): Record<string, string> {
  const own = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  const github = {
    'x-github-delivery': id,
    ...(event_type === undefined ? {} : { 'x-github-event': event_type }),
  }
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const unsigned = { 'webhook-id': id, 'webhook-timestamp': timestamp }
  return {
    'user-agent': 'OpsConductor',
    accept: 'application/json, */*;q=0.5',
    'content-type': body.contentType,
    ...own,
    ...(signature === 'none' ? unsigned : {}),
    ...(signature === 'github' ? { ...github, ...signGithubWebhook(currentOf(credential), body.text) } : {}),
    ...(signature === 'standard'
      ? signStandardWebhook(secretsOf(credential), { id, body: body.text, at })
      : {}),
    'accept-encoding': 'identity',
  }
}

/** The current one first. Older ones sign too while the receiver changes over. */
function secretsOf(credential: HeldCredential | undefined): string[] {
  if (credential === undefined)
    throw new AppError('step_failed', 'A signed webhook needs a credential of type webhook_secret.')
  const { secret, previous_secret, older_secret } = credential.secret
  const secrets = [secret, previous_secret, older_secret].flatMap((one) =>
    one === undefined ? [] : [one.reveal()],
  )
  for (const one of secrets) {
    const fault = faultOfSigningSecret(one)
    if (fault !== undefined) throw new AppError('step_failed', `A secret of the credential ${fault}.`)
  }
  return secrets
}

const currentOf = (credential: HeldCredential | undefined): string => secretsOf(credential)[0] as string
