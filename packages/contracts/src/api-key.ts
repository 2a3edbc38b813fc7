import { z } from 'zod'
import { DisplayName, Id, Timestamp } from './fields.ts'
import { internalEndpoint } from './internal-endpoint.ts'

export const roles = ['owner', 'admin', 'operator', 'viewer'] as const
export const Role = z.enum(roles)
export type Role = z.infer<typeof Role>

/**
 * What a key may do beyond calling the public interfaces of its project: `manage:<noun>` opens the management APIs
 * of that noun, with `:read` only its reads, `manage:*` all of them.
 */
export const Scope = z
  .string()
  .max(60)
  .regex(/^manage:(\*|[a-z-]+(:read)?)$/, 'must be manage:*, manage:<noun> or manage:<noun>:read')

const Email = z.email().max(255).toLowerCase()
/** 12 characters at least (OWASP ASVS 2.1.1); 200 at most bounds the hashing cost. */
const Password = z.string().min(12).max(200)

export const CreateSession = z.object({ email: Email, password: z.string().min(1).max(200) }).strict()
export const Session = z.object({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.number().int(),
})

export const CreateUser = z
  .object({
    email: Email,
    display_name: DisplayName,
    password: Password,
    is_platform_admin: z.boolean().default(false),
  })
  .strict()
export const User = z.object({
  id: Id,
  email: z.string(),
  display_name: z.string(),
  is_active: z.boolean(),
  is_platform_admin: z.boolean(),
  created_at: Timestamp,
  updated_at: Timestamp,
})

/** Only what is named changes. A new password or `is_active: false` ends the user's sessions. */
export const UpdateUser = z
  .object({
    display_name: DisplayName,
    password: Password,
    is_active: z.boolean(),
    is_platform_admin: z.boolean(),
  })
  .partial()
  .strict()

export const CreateProject = z.object({ name: DisplayName }).strict()
export const Project = z.object({
  id: Id,
  name: z.string(),
  created_at: Timestamp,
  updated_at: Timestamp,
})

/** `confirm`: the project's name, so that none is deleted by a slip. */
export const DeleteProject = z.object({ confirm: z.string().min(1).max(255) }).strict()

export const PutMember = z.object({ role: Role }).strict()
export const Member = z.object({
  project_id: Id,
  user_id: Id,
  email: z.string(),
  display_name: z.string(),
  role: Role,
  created_at: Timestamp,
})

export const CreateApiKey = z
  .object({
    name: DisplayName,
    /** Binds the key to one public interface of the project; without it the key opens all of them. */
    public_interface_id: Id.nullable().default(null),
    scopes: z.array(Scope).max(20).default([]),
    expires_at: Timestamp.nullable().default(null),
  })
  .strict()

/** What is ever shown of a key after its creation. */
export const ApiKey = z.object({
  id: Id,
  name: z.string(),
  user_id: Id,
  project_id: Id.nullable(),
  public_interface_id: Id.nullable(),
  key_prefix: z.string(),
  scopes: z.array(z.string()),
  is_active: z.boolean(),
  last_used_at: Timestamp.nullable(),
  expires_at: Timestamp.nullable(),
  created_at: Timestamp,
  updated_at: Timestamp,
})

/** The answer to create and regenerate: the only time the key itself is shown. */
export const CreatedApiKey = ApiKey.extend({ key: z.string() })

/** A key that is valid now. The holder must still check `expires_at` against the clock at each use. */
export const VerifiedApiKey = z.object({
  valid: z.literal(true),
  key_id: Id,
  user_id: Id,
  project_id: Id,
  public_interface_id: Id.nullable(),
  scopes: z.array(z.string()),
  expires_at: Timestamp.nullable(),
})
export type VerifiedApiKey = z.infer<typeof VerifiedApiKey>

export const RefusedApiKey = z.object({
  valid: z.literal(false),
  code: z.enum(['malformed_api_key', 'unknown_api_key', 'revoked_api_key', 'expired_api_key']),
})
export const KeyVerification = z.discriminatedUnion('valid', [VerifiedApiKey, RefusedApiKey])
export type KeyVerification = z.infer<typeof KeyVerification>

const askers = ['interface-registry', 'executor', 'secrets-broker', 'cert-agent'] as const

export const verifyKeyEndpoint = internalEndpoint({
  service: 'api-key',
  callers: askers,
  method: 'post',
  path: '/internal/keys/verify',
  summary: 'Is this API key valid, and what does it open?',
  request: z.object({ key: z.string().max(200) }).strict(),
  answer: KeyVerification,
})

export const reportKeyUseEndpoint = internalEndpoint({
  service: 'api-key',
  callers: askers,
  method: 'post',
  path: '/internal/keys/used',
  summary: 'Keys that were used since the last report, for last_used_at.',
  request: z.object({ items: z.array(z.object({ key_id: Id, used_at: Timestamp })).max(10_000) }).strict(),
  answer: z.object({ updated: z.number().int() }),
})

/** All memberships of one active user; empty for an unknown or inactive one. */
export const Memberships = z.object({
  is_platform_admin: z.boolean(),
  items: z.array(z.object({ project_id: Id, role: Role })),
})
export type Memberships = z.infer<typeof Memberships>

export const listMembershipsEndpoint = internalEndpoint({
  service: 'api-key',
  callers: askers,
  method: 'get',
  path: '/internal/members',
  summary: 'The projects a user belongs to, with the role in each.',
  request: z.object({ user_id: Id }),
  answer: Memberships,
})

export const findCommonMemberEndpoint = internalEndpoint({
  service: 'api-key',
  callers: ['interface-registry'],
  method: 'get',
  path: '/internal/projects/{id}/common-member',
  summary: 'Does a person who answers for the project (owner or admin, active) belong to another one too?',
  request: z.object({ other_project_id: Id }),
  answer: z.object({ found: z.boolean() }),
})

export const jwksEndpoint = internalEndpoint({
  service: 'api-key',
  callers: askers,
  method: 'get',
  path: '/internal/jwks',
  summary: 'The public keys that session tokens are signed with (RFC 7517).',
  request: z.object({}),
  answer: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }),
})

export const apiKeyTopics = {
  /** key: the API key's id. Revoked, changed or deleted: drop what you remember of it. */
  keyChanged: 'api_key.changed',
  /** key: the user's id. Memberships, role or activity changed, and with them what the user's API keys open. */
  memberChanged: 'member.changed',
  /** key: the project's id. */
  projectDeleted: 'project.deleted',
} as const
