import { z } from 'zod'
import { defineCredentialType, secretField, secretObject } from './define-credential-type.ts'
import { hostName, plainName, portNumber } from './field-schemas.ts'

/** RFC 8314: TLS from the first byte on 465, STARTTLS on 587. */
const usualPort = { tls: 465, starttls: 587, none: 25 }

export const smtp = defineCredentialType({
  type: 'smtp',
  title: 'SMTP server',
  mainSecret: 'password',
  secret: secretObject({
    password: secretField.max(1_000).regex(/^\P{Cc}*$/u, 'must not hold a control character'),
  }),
  extra: z
    .strictObject({
      host: hostName,
      port: portNumber.optional(),
      /** `starttls` is demanded, never only tried. */
      security: z.enum(['tls', 'starttls', 'none']).default('starttls'),
      username: plainName,
    })
    .transform((extra) => ({ ...extra, port: extra.port ?? usualPort[extra.security] })),
  check: { kind: 'unavailable', why: 'SMTP servers cannot be tested yet: no step type takes this type.' },
})
