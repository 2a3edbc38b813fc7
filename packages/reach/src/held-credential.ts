import { credentialTypesWithoutTls, type LentCredential } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { SecretValue } from '@opsconductor/redact'

export const sshCredentialTypes = ['ssh', 'ssh_certificate'] as const

/** A credential that was lent: in memory only, for as long as the work lasts that it was lent for. */
export interface HeldCredential {
  id: string
  type: string
  secret: Readonly<Record<string, SecretValue>>
  extra: Readonly<Record<string, unknown>>
  /** What it adds to an HTTP request; null where it is not applied to requests as it is. */
  http: {
    headers: Readonly<Record<string, SecretValue>>
    query: Readonly<Record<string, SecretValue>>
  } | null
}

/** Its secrets wrapped, so that nothing prints them. */
export function holdCredential({
  id,
  type,
  secret,
  extra,
  http,
  limits_ca_bundles,
}: LentCredential): HeldCredential {
  // The broker takes no such limit; a reference to a vault may have become one of another type since.
  if (limits_ca_bundles !== null && credentialTypesWithoutTls.includes(type))
    throw new AppError(
      'outbound_denied',
      `The credential is limited to CA bundles, and one of type ${type} is never sent over TLS.`,
    )
  return {
    id,
    type,
    secret: wrapped(secret),
    extra,
    http: http === null ? null : { headers: wrapped(http.headers), query: wrapped(http.query) },
  }
}

const wrapped = (parts: Record<string, string>): Record<string, SecretValue> =>
  Object.fromEntries(Object.entries(parts).map(([name, text]) => [name, new SecretValue(text)]))

/** What logs in to an SSH server. Throws `step_failed` where it is of another type. */
export function holdSshCredential(lent: LentCredential): HeldCredential {
  if ((sshCredentialTypes as readonly string[]).includes(lent.type)) return holdCredential(lent)
  throw new AppError('step_failed', `An SSH server takes no credential of type ${lent.type}.`)
}

/** All texts that must not leave. */
export const secretsOf = (...lent: (LentCredential | undefined)[]): string[] =>
  lent.flatMap((one) => one?.redact ?? [])

/** Of the credentials with such a limit, the hosts that each may be sent to, and the CA bundles that each is sent under. */
export const limitsOf = (...lent: (LentCredential | undefined)[]) => ({
  hosts: lent.flatMap((one) => (one?.limits_hosts ? [one.limits_hosts] : [])),
  caBundles: lent.flatMap((one) => (one?.limits_ca_bundles ? [one.limits_ca_bundles] : [])),
})
