import { z } from 'zod'
import { DisplayName, Id, Json, PageQuery, Timestamp } from './fields.ts'

/** A name is never a UUID, so that a reference is either an id or a name, never both. */
export const VaultName = DisplayName.refine((name) => !z.uuid().safeParse(name).success, 'must not be a UUID')

/** What is known of a vault outside the broker. What proves who we are is in no answer. */
export const Vault = z.object({
  id: Id,
  project_id: Id,
  name: z.string(),
  /** 'hashicorp-vault', 'azure-key-vault', 'aws-secrets-manager', 'cyberark-ccp' or 'cyberark-conjur'. */
  provider: z.string(),
  description: z.string().nullable(),
  settings: z.record(z.string(), Json),
  version: z.number().int(),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export type Vault = z.infer<typeof Vault>

/** What a credential is lent as: one that refers to a vault is lent as what it is there. */
export const lentTypeOf = ({ type, extra }: { type: string; extra: Record<string, unknown> }): string =>
  type === 'vault_ref' && typeof extra.as_type === 'string' ? extra.as_type : type

const VaultDescription = z.string().max(2000).nullable()
const VaultSettings = z.record(z.string(), Json)
const VaultAuth = z.record(z.string(), z.string().max(200_000))

/** `settings` and `auth` are checked by the provider's own schemas. */
export const CreateVault = z
  .object({
    name: VaultName,
    provider: z.string().max(50),
    description: VaultDescription.default(null),
    settings: VaultSettings,
    auth: VaultAuth,
  })
  .strict()

/** What is left out stays. New settings need `auth` again: an address changed alone would be sent the stored one. */
export const UpdateVault = z
  .object({ name: VaultName, description: VaultDescription, settings: VaultSettings, auth: VaultAuth })
  .partial()
  .strict()

export const ListVaults = PageQuery.extend({
  name: z
    .string()
    .max(255)
    .regex(/^[^\0\p{Cs}]*$/u, 'must not contain NUL')
    .optional(),
})

/** Without a path: does it answer and let us in. With one: can that secret be read. */
export const TestVault = z
  .object({ path: z.string().min(1).max(2048), version: z.string().min(1).max(200) })
  .partial()
  .strict()
  .default({})

export const VaultTestResult = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    latency_ms: z.number().int(),
    checked_at: Timestamp,
    /** The names of the secret's keys, never their values; null where no path was given. */
    keys: z.array(z.string()).nullable(),
    version: z.string().nullable(),
  }),
  z.object({
    ok: z.literal(false),
    latency_ms: z.number().int(),
    checked_at: Timestamp,
    /** An error code, as vault_sealed. */
    code: z.string(),
    message: z.string(),
  }),
])
export type VaultTestResult = z.infer<typeof VaultTestResult>

export const vaultSyncStates = ['pending', 'in_sync', 'changed', 'missing', 'error'] as const

/** How our copy of a synchronised credential stands to its vault. */
export const VaultSync = z.object({
  credential_id: Id,
  /**
   * pending: not read yet; in_sync: ours is what the vault had; changed: the vault has another, which waits for somebody
   * to take it; missing: the vault no longer has it, ours stays; error: the vault could not be read, ours stays.
   */
  state: z.enum(vaultSyncStates),
  /** An error code, where the state is missing or error. */
  last_error: z.string().nullable(),
  /** The vault's version of our copy, and the one that it had when we looked last. */
  synced_version: z.string().nullable(),
  vault_version: z.string().nullable(),
  last_synced_at: Timestamp.nullable(),
  last_checked_at: Timestamp.nullable(),
  next_check_at: Timestamp.nullable(),
})
export type VaultSync = z.infer<typeof VaultSync>
