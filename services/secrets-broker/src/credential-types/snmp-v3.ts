import { z } from 'zod'
import {
  type CredentialFault,
  defineCredentialType,
  secretField,
  secretObject,
} from './define-credential-type.ts'
import { plainName } from './field-schemas.ts'

const authProtocols = ['md5', 'sha', 'sha224', 'sha256', 'sha384', 'sha512'] as const
/** `b` and `r` are the key extensions of Blumenthal and of Reeder; RFC 3826 has AES-128 only. */
const privProtocols = ['des', 'aes128', 'aes192b', 'aes192r', 'aes256b', 'aes256r'] as const

/** RFC 3414 section 11.2. */
const passphrase = secretField.min(8, 'must have at least 8 characters').max(1_000)
/** RFC 3411: SnmpAdminString of at most 32 octets. */
const username = plainName.refine((name) => Buffer.byteLength(name) <= 32, 'must be at most 32 bytes')

const levels = {
  noAuthNoPriv: [],
  authNoPriv: ['auth'],
  authPriv: ['auth', 'priv'],
} as const

/** The level says which protocols and passphrases there are: exactly these. */
function faults(
  secret: { auth_passphrase?: string | undefined; priv_passphrase?: string | undefined },
  extra: {
    level: keyof typeof levels
    auth_protocol?: string | undefined
    priv_protocol?: string | undefined
  },
): CredentialFault[] {
  return (['auth', 'priv'] as const).flatMap((part) => {
    const isNeeded = (levels[extra.level] as readonly string[]).includes(part)
    const given = [
      [`secret.${part}_passphrase`, secret[`${part}_passphrase`]],
      [`extra.${part}_protocol`, extra[`${part}_protocol`]],
    ] as const
    return given
      .filter(([, value]) => (value !== undefined) !== isNeeded)
      .map(([path]) => ({
        path,
        message: `${isNeeded ? 'is missing' : 'must be left out'} at level ${extra.level}`,
      }))
  })
}

export const snmpV3 = defineCredentialType({
  type: 'snmp_v3',
  title: 'SNMP v3 user',
  mainSecret: 'auth_passphrase',
  secret: secretObject({ auth_passphrase: passphrase.optional(), priv_passphrase: passphrase.optional() }),
  extra: z.strictObject({
    username,
    level: z.enum(['noAuthNoPriv', 'authNoPriv', 'authPriv']),
    auth_protocol: z.enum(authProtocols).optional(),
    priv_protocol: z.enum(privProtocols).optional(),
    context_name: z.string().max(32).optional(),
  }),
  faults,
  check: { kind: 'snmp' },
})
