import { secretLengthMin } from '@opsconductor/redact'
import { z } from 'zod'

type Parts = Record<string, string | undefined>

/** What is wrong with a credential; `path` begins with `secret` or `extra`. */
export interface CredentialFault {
  path: 'secret' | 'extra' | `${'secret' | 'extra'}.${string}`
  message: string
}

/** How a credential goes into an HTTP request. */
export interface HttpParts {
  headers?: Record<string, string>
  query?: Record<string, string>
}

/**
 * What `POST /api/credentials/{id}/test` does: `http` sends a request with the credential to a URL that the asker names,
 * `ssh`, `snmp` and `tls` log in to, ask, or show the certificate to a host that the asker names, `sql` asks `select 1`
 * through the DSN, `vault` reads the secret from its vault. `unavailable` says why it cannot.
 */
export type CheckPlan =
  | { kind: 'http' | 'ssh' | 'snmp' | 'tls' | 'sql' | 'vault' }
  | { kind: 'unavailable'; why: string }

/** What of a credential with a certificate is public, in PEM; the format is how it was given: 'pem' or 'pkcs12'. */
export interface CertificateColumns {
  certificate: string | null
  certificateChain: string | null
  certificateFormat: string | null
  certificateExpiresAt: Date | null
}

export const noCertificate: CertificateColumns = {
  certificate: null,
  certificateChain: null,
  certificateFormat: null,
  certificateExpiresAt: null,
}

/** What is kept of a credential that comes in other shapes than it is kept in. */
export interface NormalCredential<Secret, Extra> {
  secret: Secret
  extra: Extra
  certificate: CertificateColumns
}

/** A kind of credential: one file of this room, its test and one line in index.ts. */
export interface CredentialType<Secret extends Parts, Extra extends Record<string, unknown>> {
  type: string
  title: string
  /** The field that a `secret` given as a plain string is; none where the type has no secret of its own. */
  mainSecret?: keyof Secret & string
  /** The secret parts; encrypted at rest, never shown. */
  secret: z.ZodType<Secret>
  /** The public parts; shown to whoever may read credentials. */
  extra: z.ZodType<Extra>
  /** What the public parts may have at most as JSON; 16 KB where it is left out. */
  extraBytesMax?: number
  /** What neither schema can see alone, or costs too much for one. */
  faults?(secret: Secret, extra: Extra): CredentialFault[] | Promise<CredentialFault[]>
  /** Texts that must not come back from a target, besides the secret parts themselves. */
  secretsToRedact?(secret: Secret, extra: Extra): string[]
  /** Left out where the credential is not applied to HTTP requests as it is. */
  http?(secret: Secret, extra: Extra): HttpParts
  /** When the credential ends by itself. */
  expiresAt?(secret: Secret, extra: Extra): Date | undefined
  /** What is kept of it, where that is not what was given; its certificates go into columns of their own (seed 000). */
  normalise?(
    secret: Secret,
    extra: Extra,
  ): Promise<NormalCredential<Secret, Extra> | { faults: CredentialFault[] }>
  check: CheckPlan
}

// The list holds types of every shape; their functions are only ever called with what their own schemas parsed.
// biome-ignore lint/suspicious/noExplicitAny: no single shape has them all
export type AnyCredentialType = CredentialType<any, any>

export function defineCredentialType<Secret extends Parts, Extra extends Record<string, unknown>>(
  type: CredentialType<Secret, Extra>,
): AnyCredentialType {
  return type
}

export const tooShort = `must have at least ${secretLengthMin} characters, so that it can be removed from what targets echo`

/** A secret part. */
export const secretField = z
  .string()
  .min(secretLengthMin, { error: ({ input }) => (input === '' ? 'must not be empty' : tooShort) })
  .regex(/\S/, 'must not be blank')

/** A secret part that travels in a header: visible ASCII, so that it can neither end the header nor be mangled. */
export const headerSecretField = secretField.regex(/^[\x21-\x7e]+$/, 'must be visible ASCII without spaces')

/** The secret parts of a type. A surplus field is not named: its name may be the secret, put in the wrong place. */
export const secretObject = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: ({ code }) =>
      code === 'unrecognized_keys' ? 'has a field that this credential type does not have' : undefined,
  })
