import { createHmac } from 'node:crypto'
import { faultOfSigningSecret, standardKeyOf } from './signing-secret.ts'

/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, version 1.0.0 */
export const standardHeaders = {
  id: 'webhook-id',
  timestamp: 'webhook-timestamp',
  signature: 'webhook-signature',
} as const

/** Visible ASCII without the full stop, which parts what is signed: with one, id and body could trade places. */
export const webhookIdPattern = /^[!-\-/-~]{1,256}$/

export interface SignedMessage {
  /** The same whenever the message is sent again. */
  id: string
  /** Exactly what is sent. */
  body: string | Uint8Array
  /** When this attempt is made: receivers refuse what is older than five minutes. */
  at: Date
}

/**
 * The headers of Standard Webhooks for a message, signed with each secret, so that a receiver who knows one of them is
 * served while secrets change. A secret is `whsec_` with base64, or a plain text whose UTF-8 is the key. Throws where a
 * secret or the id is of no use.
 */
export function signStandardWebhook(
  secrets: readonly string[],
  { id, body, at }: SignedMessage,
): Record<string, string> {
  if (secrets.length === 0) throw new Error('A webhook is signed with at least one secret.')
  if (!webhookIdPattern.test(id)) throw new Error('A webhook id must be visible ASCII without full stops.')
  for (const secret of secrets) {
    const fault = faultOfSigningSecret(secret)
    if (fault !== undefined) throw new Error(`A signing secret ${fault}.`)
  }
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const signatures = secrets.map((secret) => {
    const mac = standardMac(standardKeyOf(secret), id, timestamp, body)
    return `v1,${mac.toString('base64')}`
  })
  return {
    [standardHeaders.id]: id,
    [standardHeaders.timestamp]: timestamp,
    [standardHeaders.signature]: signatures.join(' '),
  }
}

export const standardMac = (
  key: Buffer,
  id: string,
  timestamp: string,
  body: string | Uint8Array,
): Buffer<ArrayBuffer> => createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest()
