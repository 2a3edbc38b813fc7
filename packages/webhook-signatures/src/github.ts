import { createHmac } from 'node:crypto'
import { faultOfSigningSecret } from './signing-secret.ts'

/** https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries */
export const githubSignatureHeader = 'x-hub-signature-256'

/** `X-Hub-Signature-256` for a body. The key is the secret's UTF-8, whatever it begins with. Throws where it is of no use. */
export function signGithubWebhook(secret: string, body: string | Uint8Array): Record<string, string> {
  const fault = faultOfSigningSecret(secret)
  if (fault !== undefined) throw new Error(`A signing secret ${fault}.`)
  return { [githubSignatureHeader]: `sha256=${githubMac(secret, body).toString('hex')}` }
}

export const githubMac = (secret: string, body: string | Uint8Array): Buffer<ArrayBuffer> =>
  createHmac('sha256', Buffer.from(secret, 'utf8')).update(body).digest()
