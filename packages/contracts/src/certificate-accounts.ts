import { z } from 'zod'
import { Email, HttpsUrl, made } from './certificate-fields.ts'
import { Id, Json, JsonSchema, ReferableSlug, Timestamp } from './fields.ts'

// Accounts at certificate authorities and DNS providers.

/** The common name of the authority at which the chain should end, where the CA has several (RFC 8555 section 7.4.2). */
const PreferredChain = z.string().min(1).max(100).nullable()

export const CreateAcmeAccount = z
  .object({
    name: ReferableSlug,
    directory_url: HttpsUrl,
    /** Tried once issuing at `directory_url` has failed repeatedly, so that its limits are not used up. */
    staging_directory_url: HttpsUrl.nullable().default(null),
    contact_email: Email.nullable().default(null),
    preferred_chain: PreferredChain.default(null),
    /** RFC 8555 section 7.3.4: what the CA gave for its own account of the customer. */
    external_account: z
      .object({
        kid: z
          .string()
          .min(1)
          .max(255)
          .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII'),
        hmac_key: z
          .string()
          .max(1_000)
          .regex(/^[A-Za-z0-9_-]{16,}$/, 'must be base64url without padding'),
      })
      .strict()
      .nullable()
      .default(null),
    terms_of_service_agreed: z.literal(true),
    is_default: z.boolean().default(false),
  })
  .strict()
export const UpdateAcmeAccount = z
  .object({
    name: ReferableSlug,
    contact_email: Email.nullable(),
    preferred_chain: PreferredChain,
    staging_directory_url: HttpsUrl.nullable(),
    is_default: z.boolean(),
  })
  .partial()
  .strict()
export const AcmeAccount = z.object({
  id: Id,
  project_id: Id,
  name: z.string(),
  directory_url: z.string(),
  staging_directory_url: z.string().nullable(),
  contact_email: z.string().nullable(),
  preferred_chain: z.string().nullable(),
  credential_id: Id,
  is_default: z.boolean(),
  /** The CA asked us to wait till then. */
  blocked_until: Timestamp.nullable(),
  ...made,
})
export type AcmeAccount = z.infer<typeof AcmeAccount>

/** `settings` are checked by the provider's own schema (`GET /api/certificates/dns-providers`). */
export const CreateDnsAccount = z
  .object({
    name: ReferableSlug,
    provider: z.string().max(30),
    settings: z.record(z.string(), Json).default({}),
    credential: z.string().min(1).max(255).nullable().default(null),
  })
  .strict()
export const UpdateDnsAccount = z
  .object({
    name: ReferableSlug,
    settings: z.record(z.string(), Json),
    credential: z.string().min(1).max(255).nullable(),
  })
  .partial()
  .strict()
export const DnsAccount = z.object({
  id: Id,
  project_id: Id,
  name: z.string(),
  provider: z.string(),
  settings: z.record(z.string(), Json),
  credential_id: Id.nullable(),
  ...made,
})
export type DnsAccount = z.infer<typeof DnsAccount>
/** `settings`: a JSON Schema. `credentials`: the types of credential that it takes. */
export const DnsProviders = z.object({
  items: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      settings: JsonSchema,
      credentials: z.array(z.string()),
    }),
  ),
})
