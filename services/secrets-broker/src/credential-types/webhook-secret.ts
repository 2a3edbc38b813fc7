import { z } from 'zod'
import { defineCredentialType, secretField, secretObject } from './define-credential-type.ts'
import { decodeBase64 } from './field-schemas.ts'

/** What Standard Webhooks puts before a secret, whose 24 to 64 bytes follow in base64. */
const prefix = 'whsec_'
const signingSecret = secretField.max(1_000).refine((text) => {
  if (!text.startsWith(prefix)) return true
  const bytes = decodeBase64(text.slice(prefix.length))
  return bytes !== undefined && bytes.length >= 24 && bytes.length <= 64
}, `must hold 24 to 64 bytes in base64 after ${prefix}`)

/** An echo may leave out the prefix and the padding. */
const bare = (text: string) => (text.startsWith(prefix) ? text.slice(prefix.length).replace(/=+$/, '') : text)

export const webhookSecret = defineCredentialType({
  type: 'webhook_secret',
  title: 'Webhook signing secret',
  mainSecret: 'secret',
  secret: secretObject({
    secret: signingSecret,
    /** Sign and verify too while the other side changes over. */
    previous_secret: signingSecret.optional(),
    older_secret: signingSecret.optional(),
  }),
  extra: z.strictObject({}),
  secretsToRedact: (secret) => Object.values(secret).flatMap((text) => (text ? [bare(text)] : [])),
  check: {
    kind: 'unavailable',
    why: 'A signing secret is known to be right only when a delivery is accepted.',
  },
})
