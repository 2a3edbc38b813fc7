import { credentialTypesWithoutTls, type LentCredential } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { SecretValue } from '@opsconductor/redact'
import { sshCredentialTypes } from '../ssh/to-ssh-login.ts'
import type { AnyStepType, StepCredential } from '../step-types/define-step-type.ts'

/** The credential as the step type takes it, its secrets wrapped so that nothing prints them. */
export function toStepCredential(
  stepType: AnyStepType,
  lent: LentCredential | undefined,
): StepCredential | undefined {
  if (lent === undefined) {
    if (stepType.credentialRequired) throw new AppError('step_failed', `${stepType.type} needs a credential.`)
    return undefined
  }
  if (!stepType.credentials.includes(lent.type))
    throw new AppError('step_failed', `${stepType.type} takes no credential of type ${lent.type}.`)
  return held(lent)
}

/** The certificate that the step shows to targets which ask who connects. */
export function toClientCertificate(
  stepType: AnyStepType,
  lent: LentCredential | undefined,
): StepCredential | undefined {
  if (lent === undefined) return undefined
  if (!stepType.takesClientCertificate)
    throw new AppError('step_failed', `${stepType.type} takes no client certificate.`)
  if (lent.type !== clientCertificateType)
    throw new AppError('step_failed', `The client certificate is a credential of type ${lent.type}.`)
  return held(lent)
}

/** What opens a bastion. */
export function toBastionCredential(lent: LentCredential): StepCredential {
  if ((sshCredentialTypes as readonly string[]).includes(lent.type)) return held(lent)
  throw new AppError('step_failed', `A bastion takes no credential of type ${lent.type}.`)
}

export const clientCertificateType = 'x509'

function held({ id, type, secret, extra, http, limits_ca_bundles }: LentCredential): StepCredential {
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

/** All texts that must not leave. */
export const secretsOf = (...lent: (LentCredential | undefined)[]): string[] =>
  lent.flatMap((one) => one?.redact ?? [])

/** The broker's refusal in a job's words; its own detail speaks of another request. */
export function toCredentialError(error: unknown): AppError {
  if (error instanceof AppError && error.code === 'not_found')
    return new AppError('step_failed', 'The credential does not exist in this project (any more).')
  if (error instanceof AppError && (error.code === 'service_unavailable' || error.code === 'step_failed'))
    return error
  if (error instanceof AppError && error.internal?.code === 'forbidden')
    return new AppError(
      'step_failed',
      'The broker does not lend the credential here; its access log says why.',
      {
        cause: error,
      },
    )
  if (error instanceof AppError)
    return new AppError('step_failed', 'The credential could not be used.', { cause: error })
  throw error
}

/** Of the credentials with such a limit, the hosts that each may be sent to, and the CA bundles that each is sent under. */
export const limitsOf = (...lent: (LentCredential | undefined)[]) => ({
  hosts: lent.flatMap((one) => (one?.limits_hosts ? [one.limits_hosts] : [])),
  caBundles: lent.flatMap((one) => (one?.limits_ca_bundles ? [one.limits_ca_bundles] : [])),
})
