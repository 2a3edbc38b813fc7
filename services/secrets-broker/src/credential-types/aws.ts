import { z } from 'zod'
import { defineCredentialType, headerSecretField, secretObject } from './define-credential-type.ts'

export const aws = defineCredentialType({
  type: 'aws',
  title: 'AWS access key',
  mainSecret: 'secret_access_key',
  secret: secretObject({
    secret_access_key: headerSecretField.min(16).max(128),
    session_token: headerSecretField.max(16_384).optional(),
  }),
  extra: z.strictObject({
    access_key_id: z.string().regex(/^\w{16,128}$/, 'must be an access key id'),
    region: z
      .string()
      .regex(/^[a-z]{2,}(?:-[a-z0-9]+)+$/, 'must be a region like eu-central-1')
      .max(32)
      .optional(),
  }),
  // Ids of the Security Token Service begin with ASIA and are refused without their token.
  faults: ({ session_token }, { access_key_id }) =>
    access_key_id.startsWith('ASIA') && session_token === undefined
      ? [{ path: 'secret.session_token', message: 'is missing: this access key is a temporary one' }]
      : [],
  check: { kind: 'http' },
})
