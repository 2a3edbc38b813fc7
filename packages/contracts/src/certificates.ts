import { z } from 'zod'
import { Failure, Flag, made, RemoteAbsolute } from './certificate-fields.ts'
import { CertificateName, Names, namesMax } from './certificate-names.ts'
import { Id, Json, PageQuery, ReferableSlug, Timestamp } from './fields.ts'

// The certificates of an NGINX fleet (seed 004). A server is a managed NGINX host, a deployment one certificate put on
// one server.

export const keyTypes = ['rsa-2048', 'rsa-3072', 'rsa-4096', 'ec-p256', 'ec-p384'] as const

/**
 * How control over names is shown; the first whose `names` hold a name decides, http-01 by the gateway where none does.
 * `server`: the file of http-01 is put there over SSH, into `webroot`. `alias`: where the CNAME of `_acme-challenge`
 * leads, for dns-01 in another zone.
 */
export const Challenge = z.discriminatedUnion('type', [
  z
    .object({
      type: z.literal('http-01'),
      names: z.array(CertificateName).max(namesMax).optional(),
      server_id: Id.nullable().default(null),
      webroot: RemoteAbsolute.nullable().default(null),
    })
    .strict(),
  z
    .object({
      type: z.literal('dns-01'),
      names: z.array(CertificateName).max(namesMax).optional(),
      dns_account_id: Id,
      alias: z
        .string()
        .max(253)
        .toLowerCase()
        .regex(/^(?:[a-z0-9_-]+\.)+[a-z0-9-]+$/, 'must be a DNS name')
        .nullable()
        .default(null),
    })
    .strict(),
])
export type Challenge = z.infer<typeof Challenge>

const certificateFields = {
  name: ReferableSlug,
  names: Names,
  key_type: z.enum(keyTypes).default('ec-p256'),
  /** The server on which the key is made; null: in cert-agent. */
  key_made_on: Id.nullable().default(null),
  /** Of the CA's profiles, as `shortlived`. */
  profile: z
    .string()
    .max(100)
    .regex(/^[A-Za-z0-9_-]+$/, 'must be a name')
    .nullable()
    .default(null),
  /** Null: the project's default. */
  acme_account_id: Id.nullable().default(null),
  challenges: z.array(Challenge).max(20).default([]),
  auto_renew: z.boolean().default(true),
  /** A new key with each renewal. */
  rotate_key: z.boolean().default(true),
}
export const IssueCertificate = z
  .object({
    ...certificateFields,
    /** Where it is put once it is issued. */
    vhost_ids: z.array(Id).max(100).default([]),
  })
  .strict()
export const ImportCertificate = z
  .object({
    name: ReferableSlug,
    /** PEM: key, certificate and chain in any order. */
    pem: z.string().max(1_048_576).optional(),
    /** Base64. */
    pkcs12: z.string().max(1_500_000).optional(),
    passphrase: z.string().max(1_000).optional(),
    vhost_ids: z.array(Id).max(100).default([]),
  })
  .strict()
  .refine(
    ({ pem, pkcs12 }) => (pem === undefined) !== (pkcs12 === undefined),
    'must have either pem or pkcs12',
  )
/** What is left out stays; new names or another key are taken with the next renewal. */
export const UpdateCertificate = z
  .object({
    name: ReferableSlug,
    names: Names,
    key_type: z.enum(keyTypes),
    key_made_on: Id.nullable(),
    profile: certificateFields.profile.unwrap(),
    acme_account_id: Id,
    challenges: certificateFields.challenges.unwrap(),
    auto_renew: z.boolean(),
    rotate_key: z.boolean(),
  })
  .partial()
  .strict()
export const RevokeCertificate = z
  .object({
    /** RFC 5280 section 5.3.1. */
    reason: z
      .enum(['unspecified', 'key-compromise', 'affiliation-changed', 'superseded', 'cessation-of-operation'])
      .default('unspecified'),
  })
  .strict()
export const DeployCertificate = z
  .object({
    /** Servers to put it on; left out: all on which a virtual host names it. */
    server_ids: z.array(Id).min(1).max(200).optional(),
  })
  .strict()

export const ExportedKey = z.object({
  /** PKCS #8 in PEM. */
  private_key: z.string(),
  certificate: z.string(),
  certificate_chain: z.string(),
})

export const certificateStates = ['pending', 'issuing', 'valid', 'failed', 'revoked'] as const
export const CertificateVersion = z.object({
  version: z.number().int(),
  serial: z.string(),
  issuer: z.string(),
  names: z.array(z.string()),
  fingerprint_sha256: z.string(),
  not_before: Timestamp,
  not_after: Timestamp,
  created_at: Timestamp,
  revoked_at: Timestamp.nullable(),
})
export const ListedCertificate = z.object({
  id: Id,
  project_id: Id,
  name: z.string(),
  names: z.array(z.string()),
  source: z.enum(['acme', 'import']),
  state: z.enum(certificateStates),
  version: z.number().int(),
  not_after: Timestamp.nullable(),
  renew_at: Timestamp.nullable(),
  ...made,
})
export type ListedCertificate = z.infer<typeof ListedCertificate>

export const deploymentStates = [
  'pending',
  'staging',
  'testing',
  'swapping',
  'reloading',
  'probing',
  'live',
  'rolling_back',
  'failed',
] as const
export const Deployment = z.object({
  id: Id,
  certificate_id: Id,
  server_id: Id,
  desired_version: z.number().int(),
  live_version: z.number().int().nullable(),
  state: z.enum(deploymentStates),
  attempts: z.number().int(),
  retry_at: Timestamp.nullable(),
  last_error: Failure.nullable(),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export type Deployment = z.infer<typeof Deployment>

export const Certificate = ListedCertificate.extend({
  key_type: z.string(),
  key_made_on: Id.nullable(),
  profile: z.string().nullable(),
  acme_account_id: Id.nullable(),
  challenges: z.array(Challenge),
  auto_renew: z.boolean(),
  rotate_key: z.boolean(),
  credential_id: Id.nullable(),
  renewal_info: z.record(z.string(), Json).nullable(),
  failures: z.number().int(),
  last_error: Failure.nullable(),
  /** Newest first. */
  versions: z.array(CertificateVersion),
  deployments: z.array(Deployment),
})
export type Certificate = z.infer<typeof Certificate>
export const ListCertificates = PageQuery.extend({
  name: z.string().max(100).optional(),
  state: z.enum(certificateStates).optional(),
  /** Of which the newest version ends within so many days, or has. */
  expiring_within_days: z.coerce.number().int().min(0).max(3650).optional(),
  server_id: Id.optional(),
  /** True: with a deployment that is not live. */
  not_live: Flag.optional(),
})
