import { createHmac } from 'node:crypto'

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i

/** What is wrong with a webhook's address, for a person, without quoting it; undefined where nothing is. */
export function faultOfWebhookUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return 'must be a URL like https://hooks.example.com/…'
  const url = new URL(text)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback.test(url.hostname)))
    return 'must begin with https://'
  if (url.username !== '' || url.password !== '') return 'must not hold a user name or password'
  return undefined
}

/** What Standard Webhooks puts before a secret whose bytes follow in base64. */
const prefix = 'whsec_'

/** What is wrong with a signing secret, for a person; undefined where nothing is. */
export function faultOfSigningSecret(secret: string): string | undefined {
  if (!secret.startsWith(prefix))
    return secret.length >= 16 ? undefined : 'must have at least 16 characters, or begin with whsec_'
  const encoded = secret.slice(prefix.length)
  const bytes = Buffer.from(encoded, 'base64')
  // Node's decoder passes over what is no base64.
  const isBase64 = bytes.toString('base64').replace(/=+$/, '') === encoded.replace(/=+$/, '')
  return isBase64 && bytes.length >= 24 && bytes.length <= 64
    ? undefined
    : 'must hold 24 to 64 bytes in base64 after whsec_'
}

/**
 * The headers of Standard Webhooks for a message. `secret` is `whsec_` with base64, or a plain text whose UTF-8 is the
 * key. A receiver refuses an old timestamp, so each try is signed anew.
 */
export function signWebhook(
  secret: string,
  { id, body, at }: { id: string; body: string; at: Date },
): Record<string, string> {
  const key = secret.startsWith(prefix)
    ? Buffer.from(secret.slice(prefix.length), 'base64')
    : Buffer.from(secret, 'utf8')
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
}
