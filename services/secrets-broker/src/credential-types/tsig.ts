import { z } from 'zod'
import { defineCredentialType, secretField, secretObject } from './define-credential-type.ts'
import { decodeBase64 } from './field-schemas.ts'

/** RFC 8945 section 6. */
const algorithms = [
  'hmac-md5.sig-alg.reg.int',
  'hmac-sha1',
  'hmac-sha224',
  'hmac-sha256',
  'hmac-sha256-128',
  'hmac-sha384',
  'hmac-sha384-192',
  'hmac-sha512',
  'hmac-sha512-256',
] as const

const label = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?'
const domainName = new RegExp(`^${label}(?:\\.${label})*\\.?$`)

function isKey(text: string): boolean {
  const bytes = decodeBase64(text)
  return bytes !== undefined && bytes.length >= 16 && bytes.length <= 512
}

export const tsig = defineCredentialType({
  type: 'tsig',
  title: 'DNS transaction signature key',
  mainSecret: 'secret',
  secret: secretObject({ secret: secretField.refine(isKey, 'must be 16 to 512 bytes in base64') }),
  extra: z.strictObject({
    key_name: z.string().max(254).regex(domainName, 'must be a domain name'),
    algorithm: z.enum(algorithms).default('hmac-sha256'),
  }),
  secretsToRedact: ({ secret }) => [secret.replace(/=+$/, '')],
  check: { kind: 'unavailable', why: 'DNS servers cannot be tested yet: no step type takes this type.' },
})
