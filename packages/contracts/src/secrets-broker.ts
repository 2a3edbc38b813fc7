import { z } from 'zod'
import { DisplayName, Id, Json, PageQuery, Timestamp } from './fields.ts'
import { internalEndpoint } from './internal-endpoint.ts'

// --- Host credentials (seed 003) -----------------------------------------------------------------------------------

/** Query strings and paths do not pass the check that bodies pass: PostgreSQL takes no NUL. */
const noNul = /^[^\0\p{Cs}]*$/u
const noNulMessage = 'must not contain NUL'

const Host = z.string().min(1).max(255).regex(noNul, noNulMessage)
const Purpose = z.string().min(1).max(50).regex(noNul, noNulMessage)

export const HostCredentialUpsert = z.object({
  host: Host,
  purpose: Purpose,
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
})
export const HostCredentialKey = z.object({ host: Host, purpose: Purpose })
export const HostCredentialFound = z.object({
  host: z.string(),
  purpose: z.string(),
  username: z.string().nullable(),
  password: z.string().nullable(),
  domain: z.string().nullable(),
  additional_data: z.record(z.string(), Json),
})
export const HostCredentialDeleted = z.object({
  success: z.literal(true),
  host: z.string(),
  purpose: z.string(),
})

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
  created_at: Timestamp,
  updated_at: Timestamp,
})
export type Credential = z.infer<typeof Credential>

/** `secret` and `extra` are checked by the credential type's own schemas; `secret` is a string or an object of strings. */
export const CreateCredential = z
  .object({
    name: CredentialName,
    type: z.string().max(50),
    description: z.string().max(2000).nullable().default(null),
    secret: z.union([z.string().max(1_000_000), z.record(z.string(), z.string().max(1_000_000))]),
    extra: z.record(z.string(), Json).default({}),
  })
  .strict()

export const ListCredentials = PageQuery.extend({
  type: z.string().max(50).regex(noNul, noNulMessage).optional(),
  name: z.string().max(255).regex(noNul, noNulMessage).optional(),
})

/** Everything a step needs to authenticate. Lives in memory only, inside one activity. */
export const LentCredential = z.object({
  id: Id,
  name: z.string(),
  type: z.string(),
  /** The secret parts by field, e.g. `{ password }` of `http_basic`. */
  secret: z.record(z.string(), z.string()),
  extra: z.record(z.string(), Json),
})
export type LentCredential = z.infer<typeof LentCredential>

export const useCredentialEndpoint = internalEndpoint({
  service: 'secrets-broker',
  callers: ['executor', 'cert-agent'],
  method: 'post',
  path: '/internal/secrets/credentials/{reference}/use',
  summary: 'Lend a credential of the project to one step of one run. Logged before it is answered.',
  request: z.object({ project_id: Id, run_id: Id, step_id: z.string().max(100) }).strict(),
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
