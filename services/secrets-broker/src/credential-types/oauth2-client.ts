import { z } from 'zod'
import { defineCredentialType, headerSecretField, secretObject } from './define-credential-type.ts'
import { secureUrl } from './field-schemas.ts'
import { isSensitiveName } from './public-extra.ts'

/** RFC 6749 appendix A: VSCHAR, and scope tokens separated by single spaces. */
const visible = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[\x20-\x7e]+$/, 'must be printable ASCII')
const scope = z
  .string()
  .max(2_000)
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/, 'must be scopes separated by a space')

const tokenUrl = secureUrl.refine(
  (text) => !URL.canParse(text) || ![...new URL(text).searchParams.keys()].some(isSensitiveName),
  'must not hold a secret in its query',
)

/** Section 2.3.1 form-encodes the secret before it goes into a Basic header. */
const formEncoded = (text: string) => new URLSearchParams([['', text]]).toString().slice(1)

export const oauth2Client = defineCredentialType({
  type: 'oauth2_client',
  title: 'OAuth 2.0 client',
  mainSecret: 'client_secret',
  secret: secretObject({ client_secret: headerSecretField, refresh_token: headerSecretField.optional() }),
  extra: z.strictObject({
    client_id: visible,
    token_url: tokenUrl,
    scope: scope.optional(),
    audience: visible.optional(),
    auth_style: z.enum(['basic', 'post']).default('basic'),
  }),
  secretsToRedact: ({ client_secret }) => [formEncoded(client_secret)],
  check: { kind: 'http' },
})
