import { z } from 'zod'
import { defineCredentialType, headerSecretField, secretObject } from './define-credential-type.ts'

export const bearerToken = defineCredentialType({
  type: 'bearer_token',
  title: 'Bearer token',
  mainSecret: 'token',
  secret: secretObject({ token: headerSecretField }),
  extra: z.strictObject({}),
  http: ({ token }) => ({ headers: { authorization: `Bearer ${token}` } }),
  check: { kind: 'http' },
})
