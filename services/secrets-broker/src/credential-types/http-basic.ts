import { z } from 'zod'
import { defineCredentialType, secretField, secretObject } from './define-credential-type.ts'

/** RFC 7617: the user name holds no colon, and neither part a control character. */
const username = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^:\p{Cc}]*$/u, 'must hold neither a colon nor a control character')

export const httpBasic = defineCredentialType({
  type: 'http_basic',
  title: 'HTTP Basic authentication',
  mainSecret: 'password',
  secret: secretObject({
    password: secretField.regex(/^\P{Cc}*$/u, 'must not hold a control character'),
  }),
  extra: z.strictObject({ username }),
  http: ({ password }, extra) => ({
    headers: {
      authorization: `Basic ${Buffer.from(`${extra.username}:${password}`).toString('base64')}`,
    },
  }),
  check: { kind: 'http' },
})
