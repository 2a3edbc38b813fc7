import { z } from 'zod'
import { DisplayName, HostName, HostPattern, Id, PageQuery, Timestamp } from './fields.ts'
import { internalEndpoint } from './internal-endpoint.ts'

// Whom a project's steps trust: the keys of SSH hosts, and certificate authorities beside the public ones.

export const TrustedPort = z.number().int().min(1).max(65_535)
const Comment = z
  .string()
  .trim()
  .max(255)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not contain control characters')
  .nullable()

export const TrustedHostKey = z.object({
  id: Id,
  project_id: Id,
  host: z.string(),
  port: z.number().int(),
  /** As `ssh-ed25519`. */
  key_type: z.string(),
  /** Base64, as in a line of known_hosts. */
  public_key: z.string(),
  /** `SHA256:…`, as ssh-keygen shows it. */
  fingerprint: z.string(),
  comment: z.string().nullable(),
  /** A host that shows a revoked key is refused, whatever else is trusted. */
  revoked: z.boolean(),
  /** It is no host's own key: hosts of this name are trusted by the certificates that it has signed. */
  is_authority: z.boolean(),
  created_by: z.string().nullable(),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export type TrustedHostKey = z.infer<typeof TrustedHostKey>

/**
 * `key`: one line, a public key as in a .pub file, or a line of known_hosts; that one names host and port itself, and
 * `@revoked` in it revokes, `@cert-authority` makes it one that signs hosts' certificates.
 */
export const CreateTrustedHostKey = z
  .object({
    key: z.string().min(1, 'must not be empty').max(16_384),
    /** A pattern (`*.` and a domain) only for an authority. */
    host: HostPattern.optional(),
    port: TrustedPort.optional(),
    /** Left out: what the line says after the key. */
    comment: Comment.optional(),
    revoked: z.boolean().optional(),
    is_authority: z.boolean().optional(),
  })
  .strict()
export const UpdateTrustedHostKey = z.object({ comment: Comment, revoked: z.boolean() }).partial().strict()
export const ListTrustedHostKeys = PageQuery.extend({ host: HostName.optional() })

/** A key that a host has shown and that nobody has trusted yet. */
export const SeenHostKey = TrustedHostKey.pick({
  ...{ id: true, project_id: true, host: true, port: true },
  ...{ key_type: true, public_key: true, fingerprint: true },
}).extend({
  /** The project trusts other keys of this host: it was given a new one, or somebody listens in. */
  changed: z.boolean(),
  times_seen: z.number().int(),
  first_seen_at: Timestamp,
  last_seen_at: Timestamp,
})
export type SeenHostKey = z.infer<typeof SeenHostKey>

/** `fingerprint`: of the key as whoever approves it has read it on the host itself. */
export const ApproveHostKey = z
  .object({ fingerprint: z.string().max(100), comment: Comment.optional() })
  .strict()

/** One of a list: without the certificates themselves. */
export const ListedCaBundle = z.object({
  id: Id,
  project_id: Id,
  name: z.string(),
  certificate_count: z.number().int(),
  /** Of the certificate that expires first. */
  expires_at: Timestamp,
  created_by: z.string().nullable(),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export type ListedCaBundle = z.infer<typeof ListedCaBundle>

/** `certificates`: PEM, one after the other, each once. */
export const CaBundle = ListedCaBundle.extend({ certificates: z.string() })
export type CaBundle = z.infer<typeof CaBundle>

const Certificates = z.string().min(1, 'must not be empty').max(262_144)
export const CreateCaBundle = z.object({ name: DisplayName, certificates: Certificates }).strict()
export const UpdateCaBundle = CreateCaBundle.partial().strict()

export const getTrustEndpoint = internalEndpoint({
  service: 'secrets-broker',
  callers: ['executor', 'cert-agent'],
  method: 'get',
  path: '/internal/secrets/trust',
  summary: "Whom the project's steps trust: the keys of one SSH host where one is named, and its CA bundles.",
  request: z
    .object({
      project_id: Id,
      host: HostName.optional(),
      port: z.coerce.number().pipe(TrustedPort).default(22),
    })
    .strict(),
  answer: z.object({
    host_keys: z.array(
      TrustedHostKey.pick({
        ...{ key_type: true, public_key: true, fingerprint: true, revoked: true, is_authority: true },
      }),
    ),
    ca_bundles: z.array(CaBundle.pick({ name: true, certificates: true, expires_at: true })),
  }),
})

export const reportHostKeyEndpoint = internalEndpoint({
  service: 'secrets-broker',
  callers: ['executor', 'cert-agent'],
  method: 'post',
  path: '/internal/secrets/trust/host-keys/seen',
  summary: 'An SSH host showed a key that the project does not trust: keep it for a person to approve.',
  request: z
    .object({
      project_id: Id,
      host: HostName,
      port: TrustedPort,
      /** Type and Base64, as in a .pub file. */
      key: z.string().max(16_384),
    })
    .strict(),
  answer: z.object({ pending: z.boolean() }),
})

export const trustTopics = {
  /** key: the project's id. What it trusts has changed. */
  trustChanged: 'secrets.trust_changed',
} as const
