import { z } from 'zod'
import { defineCredentialType, secretObject } from './define-credential-type.ts'

/** What a secret of a vault may be read as. A list of its own, for this file is on the room's list itself. */
export const vaultRefTypes = [
  'ssh',
  'http_basic',
  'bearer_token',
  'db_dsn',
  'api_key',
  'custom',
  'oauth2_client',
  'x509',
  'ssh_certificate',
  'snmp_community',
  'snmp_v3',
  'webhook_secret',
  'aws',
  'smtp',
  'tsig',
  'acme_account',
] as const

const text = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not hold control characters')
const fieldName = z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,63}$/, 'must be the name of a field')
/** Which key of the vault's secret a field is taken from. */
const fieldMap = z
  .record(fieldName, text)
  .refine((fields) => Object.keys(fields).length > 0, 'must have at least one field')

const reference = {
  /** Id or name of a vault of the project. */
  vault: text,
  path: text.max(2048),
  version: text.max(200).optional(),
  as_type: z.enum(vaultRefTypes),
  /** Secret fields of `as_type`; left out: its main field is the key `value`. */
  fields: fieldMap.optional(),
  /** Public fields of `as_type` that are in the vault too, as a user name. */
  extra_fields: fieldMap.optional(),
  /** Public fields of `as_type` that are not in the vault. */
  as_extra: z.record(z.string(), z.json()).default({}),
}

const seconds = (max: number) => z.number().int().min(0).max(max)

const readThrough = z.strictObject({
  ...reference,
  /** Read at each use, and kept in memory for a short while. */
  mode: z.literal('read_through'),
  /** At most so long; less where the vault's own lease is shorter. */
  ttl_seconds: seconds(3600).default(60),
  /** While the vault is down, what is older may be used for so much longer; 0: never. */
  allow_stale_seconds: seconds(86_400).default(0),
})

const synchronised = z.strictObject({
  ...reference,
  /** Copied, encrypted, into our database; uses never wait for the vault. */
  mode: z.literal('synchronised'),
  interval_seconds: seconds(604_800).min(30).default(300),
  /** `report`: a change in the vault is only shown, until somebody asks for it. */
  on_change: z.enum(['take', 'report']).default('take'),
})

export const VaultRefExtra = z.discriminatedUnion('mode', [readThrough, synchronised])
export type VaultRefExtra = z.infer<typeof VaultRefExtra>

export const vaultRefType = 'vault_ref'

/** A secret that another maker's vault keeps. It is lent as what it is there: `as_type`. */
export const vaultRef = defineCredentialType({
  type: vaultRefType,
  title: 'Secret in a vault',
  secret: secretObject({}),
  extra: VaultRefExtra,
  check: { kind: 'vault' },
})
