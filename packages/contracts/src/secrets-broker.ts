import { z } from 'zod'
import { DisplayName, HostPattern, Id, Json, PageQuery, Timestamp } from './fields.ts'
import { internalEndpoint } from './internal-endpoint.ts'
import type { ServiceName } from './services.ts'

// --- Host credentials (seed 003) -----------------------------------------------------------------------------------

/** Query strings and paths do not pass the check that bodies pass: PostgreSQL takes no NUL. */
const noNul = /^[^\0\p{Cs}]*$/u
const noNulMessage = 'must not contain NUL'

const Host = z.string().min(1).max(255).regex(noNul, noNulMessage)
const Purpose = z.string().min(1).max(50).regex(noNul, noNulMessage)

export const HostCredentialKey = z.object({
  host: Host,
  purpose: Purpose,
  /** Tells several accounts of one host and purpose apart; answers hold it only where it was given. */
  label: z.string().max(100).regex(noNul, noNulMessage).default(''),
  /**
   * For which project: it reads its own and the platform's, and changes its own. Without one: the platform's, or, for
   * the operator, any.
   */
  project_id: Id.nullish(),
})
export const HostCredentialUpsert = HostCredentialKey.extend({
  username: z.string().max(255).nullish(),
  /** At least 4 characters, so that it can be removed by value from whatever a target echoes. */
  password: z.string().min(4).max(1_000_000).nullish(),
  domain: z.string().max(255).nullish(),
  additional_data: z.record(z.string(), Json).default({}),
})
export const HostCredentialUpserted = z.object({
  success: z.literal(true),
  credential_id: z.number().int(),
  host: z.string(),
  purpose: z.string(),
  label: z.string().optional(),
})
export const HostCredentialFound = z.object({
  host: z.string(),
  purpose: z.string(),
  label: z.string().optional(),
  username: z.string().nullable(),
  password: z.string().nullable(),
  domain: z.string().nullable(),
  additional_data: z.record(z.string(), Json),
})
export const HostCredentialDeleted = z.object({
  success: z.literal(true),
  host: z.string(),
  purpose: z.string(),
  label: z.string().optional(),
})
export const hostCredentialLookupsMax = 100
export const HostCredentialLookups = z.object({
  lookups: z
    .array(HostCredentialKey.omit({ project_id: true }))
    .min(1)
    .max(hostCredentialLookupsMax),
  project_id: HostCredentialKey.shape.project_id,
})
export const HostCredentialLookupResult = z.discriminatedUnion('found', [
  HostCredentialFound.extend({ found: z.literal(true) }),
  z.object({
    found: z.literal(false),
    host: z.string(),
    purpose: z.string(),
    label: z.string().optional(),
    reason: z.enum(['not_found', 'decryption_failed']),
  }),
])
export type HostCredentialLookupResult = z.infer<typeof HostCredentialLookupResult>

export const hostCredentialTopics = {
  /** key: `hostCredentialEventKey` of it. Created, replaced or deleted: drop what you remember of it. */
  changed: 'secrets.host_credential_changed',
} as const
export const hostCredentialEventKey = ({
  host,
  purpose,
  label,
}: {
  host: string
  purpose: string
  label: string
}) => JSON.stringify([host, purpose, label])

/** What is known of a host credential outside the broker; `additional_data` may be as secret as the password. */
export const HostCredential = z.object({
  id: z.number().int(),
  host: z.string(),
  purpose: z.string(),
  label: z.string(),
  username: z.string().nullable(),
  domain: z.string().nullable(),
  version: z.number().int(),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export type HostCredential = z.infer<typeof HostCredential>

export const ListHostCredentials = PageQuery.extend({
  host: Host.optional(),
  purpose: Purpose.optional(),
  cursor: z.coerce.number('is not a cursor').int('is not a cursor').min(1).max(2_147_483_647).optional(),
})

/**
 * For which purposes a service may have host credentials, beside the endpoints that it may call. Steps name purposes of
 * their own, so executor is not limited; nor is the operator.
 */
export const hostCredentialPurposes: Readonly<Partial<Record<ServiceName, readonly string[] | 'any'>>> = {
  executor: 'any',
  'cert-agent': ['ssh', 'nginx', 'acme'],
}

export const upsertHostCredentialEndpoint = internalEndpoint({
  service: 'secrets-broker',
  callers: ['cert-agent'],
  method: 'post',
  path: '/internal/secrets/credential-upsert',
  summary: 'Create or replace the credential of a (host, purpose).',
  request: HostCredentialUpsert,
  answer: HostCredentialUpserted,
})
export const lookupHostCredentialEndpoint = internalEndpoint({
  service: 'secrets-broker',
  callers: ['executor', 'cert-agent'],
  method: 'post',
  path: '/internal/secrets/credential-lookup',
  summary: 'The credential of a (host, purpose), decrypted. The match is exact and case-sensitive.',
  request: HostCredentialKey,
  answer: HostCredentialFound,
})
export const lookupHostCredentialsEndpoint = internalEndpoint({
  service: 'secrets-broker',
  callers: ['executor', 'cert-agent'],
  method: 'post',
  path: '/internal/secrets/credential-lookup-batch',
  summary: 'Several lookups at once: their results in the same order, each logged by itself.',
  request: HostCredentialLookups,
  answer: z.object({ results: z.array(HostCredentialLookupResult) }),
})
export const deleteHostCredentialEndpoint = internalEndpoint({
  service: 'secrets-broker',
  callers: ['cert-agent'],
  method: 'delete',
  path: '/internal/secrets/credential-delete',
  summary: 'Forget the credential of a (host, purpose).',
  request: HostCredentialKey,
  answer: HostCredentialDeleted,
})

// --- Credentials (seed 001) ----------------------------------------------------------------------------------------

/** A name is never a UUID, so that a reference is either an id or a name, never both. */
export const CredentialName = DisplayName.refine(
  (name) => !z.uuid().safeParse(name).success,
  'must not be a UUID',
)
export const CredentialReference = z.string().min(1).max(255).regex(noNul, noNulMessage)

const limitList = <Item extends z.ZodType>(item: Item, max = 100) =>
  z.array(item).min(1, 'must name at least one; leave it out to limit nothing').max(max).optional()

/** What goes over protocols without certificate authorities, so that a limit to CA bundles would let it go nowhere. */
export const credentialTypesWithoutTls: readonly string[] = [
  'ssh',
  'ssh_certificate',
  'snmp_community',
  'snmp_v3',
  'tsig',
]

/**
 * What may use a credential. An absent list limits nothing; a limit holds for runs, `hosts` and `ca_bundles` for checks
 * too.
 */
export const CredentialLimits = z
  .object({
    jobs: limitList(Id.toLowerCase()),
    step_types: limitList(
      z
        .string()
        .max(50)
        .regex(/^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$/, 'must be a step type, as http.get'),
    ),
    hosts: limitList(HostPattern),
    /** By name: it is sent only to TLS servers whose chain ends in one of them; the public authorities do not count. */
    ca_bundles: limitList(DisplayName, 20),
  })
  .strict()
export type CredentialLimits = z.infer<typeof CredentialLimits>

/** What of a credential with a certificate is public, in PEM. */
export const CredentialCertificate = z.object({
  certificate: z.string(),
  /** The certificates between it and a trusted one. */
  certificate_chain: z.string().nullable(),
  /** How it was given: 'pem' or 'pkcs12'. */
  certificate_format: z.string().nullable(),
  certificate_expires_at: Timestamp.nullable(),
})

/** What is known of a credential outside the broker. */
export const Credential = z.object({
  id: Id,
  project_id: Id,
  name: z.string(),
  type: z.string(),
  description: z.string().nullable(),
  /** The public parts of the type, as the user name of `http_basic`. */
  extra: z.record(z.string(), Json),
  is_active: z.boolean(),
  /** Goes up with every change of the secret or of `extra`. */
  version: z.number().int(),
  limits: CredentialLimits,
  /** From then on it is not lent. */
  expires_at: Timestamp.nullable(),
  rotate_every_days: z.number().int().nullable(),
  /** When the secret was given. */
  rotated_at: Timestamp,
  /** When a new secret is due; only a reminder. */
  rotation_due_at: Timestamp.nullable(),
  certificate: CredentialCertificate.nullable(),
  deleted_at: Timestamp.nullable(),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export type Credential = z.infer<typeof Credential>

/** One of a list: without the certificates themselves, which can be long. */
export const ListedCredential = Credential.extend({
  certificate: CredentialCertificate.omit({ certificate: true, certificate_chain: true }).nullable(),
})
export type ListedCredential = z.infer<typeof ListedCredential>

const CredentialDescription = z.string().max(2000).nullable()
const GivenSecret = z.union([z.string().max(1_000_000), z.record(z.string(), z.string().max(1_000_000))])
const RotateEveryDays = z.number().int().min(1).max(3650).nullable()

/**
 * `secret` and `extra` are checked by the credential type's own schemas; `secret` is a string or an object of strings,
 * and may be left out where the type has no secret of its own.
 */
export const CreateCredential = z
  .object({
    name: CredentialName,
    type: z.string().max(50),
    description: CredentialDescription.default(null),
    secret: GivenSecret.optional(),
    extra: z.record(z.string(), Json).default({}),
    is_active: z.boolean().default(true),
    /** Left out or null: when the secret ends by itself, as a certificate does; never where it does not. */
    expires_at: Timestamp.nullable().default(null),
    rotate_every_days: RotateEveryDays.default(null),
    limits: CredentialLimits.default({}),
  })
  .strict()

/**
 * What is left out stays. `secret` and `extra` are each given whole; either makes the next version. A new secret without
 * `expires_at` has its own date, or none: the former one's was about the former secret.
 */
export const UpdateCredential = z
  .object({
    name: CredentialName,
    description: CredentialDescription,
    secret: GivenSecret,
    extra: z.record(z.string(), Json),
    is_active: z.boolean(),
    expires_at: Timestamp.nullable(),
    rotate_every_days: RotateEveryDays,
    limits: CredentialLimits,
  })
  .partial()
  .strict()

export const CredentialVersion = z.object({
  version: z.number().int(),
  created_at: Timestamp,
  created_by: z.string().nullable(),
  current: z.boolean(),
})
/** Newest first. */
export const CredentialVersions = z.object({ items: z.array(CredentialVersion) })
export const RollbackCredential = z.object({ version: z.number().int().min(1).max(2_147_483_647) }).strict()
/** `name`: another one, where the former was taken meanwhile. */
export const RestoreCredential = z.object({ name: CredentialName }).partial().strict().default({})

const QueryFlag = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true')

export const ListCredentials = PageQuery.extend({
  type: z.string().max(50).regex(noNul, noNulMessage).optional(),
  name: z.string().max(255).regex(noNul, noNulMessage).optional(),
  is_active: QueryFlag.optional(),
  /** Those that expire within so many days, or have expired: by their own date or their certificate's. */
  expiring_within_days: z.coerce.number().int().min(0).max(3650).optional(),
  /** Those that were deleted and not purged yet; for who may write credentials. */
  deleted: QueryFlag.default(false),
})

/** Everything a step needs to authenticate. Lives in memory only, inside one activity. */
export const LentCredential = z.object({
  id: Id,
  name: z.string(),
  type: z.string(),
  /** The secret parts by field, e.g. `{ password }` of `http_basic`. */
  secret: z.record(z.string(), z.string()),
  extra: z.record(z.string(), Json),
  /** Every text to remove, by value, from whatever a target echoes. */
  redact: z.array(z.string()),
  /** What the credential adds to an HTTP request; null where it is not applied to requests as it is. */
  http: z
    .object({ headers: z.record(z.string(), z.string()), query: z.record(z.string(), z.string()) })
    .nullable(),
  /** The hosts it may be sent to, in lower case; null where it is not limited. */
  limits_hosts: z.array(z.string()).nullable(),
  /** The names of the CA bundles that it may be sent under; null where it is not limited. */
  limits_ca_bundles: z.array(z.string()).nullable(),
})
export type LentCredential = z.infer<typeof LentCredential>

/** What a credential is asked for: a step of a run, a check that the broker granted, or an operation of cert-agent's. */
export const UseCredential = z
  .object({
    project_id: Id,
    run_id: Id.optional(),
    step_id: z.string().max(100).optional(),
    check_id: Id.optional(),
    operation_id: Id.optional(),
  })
  .strict()
  .superRefine(({ check_id, operation_id, ...step }, context) => {
    const whole = [check_id, operation_id].filter((id) => id !== undefined)
    if (whole.length > 1)
      context.addIssue({ code: 'custom', path: ['operation_id'], message: 'must not be given with check_id' })
    for (const field of ['run_id', 'step_id'] as const)
      if ((step[field] === undefined) === (whole.length === 0))
        context.addIssue({
          code: 'custom',
          path: [field],
          message: whole.length === 0 ? 'is missing' : 'must not be given with check_id or operation_id',
        })
  })
export type UseCredential = z.infer<typeof UseCredential>

export const useCredentialEndpoint = internalEndpoint({
  service: 'secrets-broker',
  callers: ['executor', 'cert-agent'],
  method: 'post',
  path: '/internal/secrets/credentials/{reference}/use',
  summary:
    'Lend a credential of the project to one step of one run, to one check, or to one operation on certificates. Logged before it is answered.',
  request: UseCredential,
  answer: LentCredential,
})
export const describeCredentialEndpoint = internalEndpoint({
  service: 'secrets-broker',
  callers: ['executor', 'interface-registry', 'cert-agent'],
  method: 'get',
  path: '/internal/secrets/credentials/{reference}',
  summary: 'Metadata of a credential of the project, by id or name.',
  request: z.object({ project_id: Id }),
  answer: Credential,
})

export const credentialTopics = {
  /** key: the credential's id. It was created, changed, deleted, restored or purged: forget what you know of it. */
  credentialChanged: 'secrets.credential_changed',
  /** key: the credential's id. It expires, or its secret is due for rotation, within 30, 14, 7, 1 or 0 days. */
  credentialExpiring: 'secrets.credential_expiring',
} as const
