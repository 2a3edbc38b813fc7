import { createPrivateKey, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import {
  type CredentialFault,
  defineCredentialType,
  secretField,
  secretObject,
} from './define-credential-type.ts'
import { secureUrl } from './field-schemas.ts'

const keyBytesMax = 16_384

/** The key of a JWK or an unencrypted PEM; undefined where it is neither. */
function readKey(text: string): KeyObject | undefined {
  try {
    if (!text.trimStart().startsWith('{')) return createPrivateKey(text)
    return createPrivateKey({ key: JSON.parse(text), format: 'jwk' })
  } catch {
    return undefined
  }
}

function isAccountKey(text: string): boolean {
  const key = readKey(text)
  const { namedCurve, modulusLength = 0 } = key?.asymmetricKeyDetails ?? {}
  if (key?.asymmetricKeyType === 'ec') return namedCurve === 'prime256v1' || namedCurve === 'secp384r1'
  return key?.asymmetricKeyType === 'rsa' && modulusLength >= 2048 && modulusLength <= 8192
}

/** The private numbers of a JWK, which are secrets wherever they stand. */
function privateNumbers(text: string): string[] {
  if (!text.trimStart().startsWith('{')) return []
  const jwk = JSON.parse(text) as Record<string, unknown>
  return ['d', 'p', 'q', 'dp', 'dq', 'qi'].flatMap((name) => {
    const value = jwk[name]
    return typeof value === 'string' ? [value] : []
  })
}

/** RFC 8555 section 7.3.4: an external account is a key id and a MAC key, the latter in base64url. */
function faults(
  { eab_hmac_key }: { private_key: string; eab_hmac_key?: string | undefined },
  { eab_kid }: { eab_kid?: string | undefined },
): CredentialFault[] {
  if ((eab_hmac_key === undefined) === (eab_kid === undefined)) return []
  return eab_kid === undefined
    ? [{ path: 'extra.eab_kid', message: 'is missing: secret has eab_hmac_key' }]
    : [{ path: 'secret.eab_hmac_key', message: 'is missing: extra has eab_kid' }]
}

export const acmeAccount = defineCredentialType({
  type: 'acme_account',
  title: 'ACME account',
  mainSecret: 'private_key',
  secret: secretObject({
    private_key: secretField
      .max(keyBytesMax, `must have at most ${keyBytesMax} characters`)
      .refine(
        isAccountKey,
        'must be an unencrypted EC P-256, EC P-384 or RSA key (2048 bits or more), as PEM or JWK',
      ),
    eab_hmac_key: secretField
      .max(1_000)
      .regex(/^[A-Za-z0-9_-]{16,}$/, 'must be base64url without padding')
      .optional(),
  }),
  extra: z.strictObject({
    directory_url: secureUrl,
    /** The account's URL, which is the `kid` of its requests; left out until the account is registered. */
    account_url: secureUrl.optional(),
    eab_kid: z
      .string()
      .min(1)
      .max(255)
      .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII')
      .optional(),
  }),
  faults,
  secretsToRedact: ({ private_key }) => privateNumbers(private_key),
  check: { kind: 'unavailable', why: 'ACME accounts cannot be tested yet: no step type takes this type.' },
})
