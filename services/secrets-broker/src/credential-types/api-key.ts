import { z } from 'zod'
import { defineCredentialType, headerSecretField, secretObject } from './define-credential-type.ts'

const defaultHeader = 'X-API-Key'
/** Headers that frame or route a request: a credential that sets one changes whose request it is. */
const framing =
  /^(host|content-length|content-type|transfer-encoding|connection|upgrade|te|trailer|expect|keep-alive|proxy-.*)$/i

/** RFC 9110 token. */
const headerName = z
  .string()
  .max(100)
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'must be a header name')
  .refine((name) => !framing.test(name), 'must not be a header that frames the request')
const queryName = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9._~-]+$/, 'must be letters, digits or . _ ~ -')

export const apiKey = defineCredentialType({
  type: 'api_key',
  title: 'API key in a header or in the query',
  mainSecret: 'key',
  secret: secretObject({ key: headerSecretField }),
  extra: z
    .strictObject({ header_name: headerName.optional(), query_name: queryName.optional() })
    .refine(
      (extra) => extra.header_name === undefined || extra.query_name === undefined,
      'must have header_name or query_name, not both',
    )
    .transform((extra) =>
      extra.query_name === undefined ? { header_name: extra.header_name ?? defaultHeader } : extra,
    ),
  http: ({ key }, extra: { header_name?: string | undefined; query_name?: string | undefined }) =>
    extra.query_name === undefined
      ? { headers: { [extra.header_name ?? defaultHeader]: key } }
      : { query: { [extra.query_name]: key } },
  check: { kind: 'http' },
})
