import type { LentCredential } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { type HeldCredential, holdCredential } from '@opsconductor/reach'
import type { AnyStepType } from '../step-types/define-step-type.ts'

/** The credential as the step type takes it, its secrets wrapped so that nothing prints them. */
export function toStepCredential(
  stepType: AnyStepType,
  lent: LentCredential | undefined,
): HeldCredential | undefined {
  if (lent === undefined) {
    if (stepType.credentialRequired) throw new AppError('step_failed', `${stepType.type} needs a credential.`)
    return undefined
  }
  if (!stepType.credentials.includes(lent.type))
    throw new AppError('step_failed', `${stepType.type} takes no credential of type ${lent.type}.`)
  return holdCredential(lent)
}

/** The certificate that the step shows to targets which ask who connects. */
export function toClientCertificate(
  stepType: AnyStepType,
  lent: LentCredential | undefined,
): HeldCredential | undefined {
  if (lent === undefined) return undefined
  if (!stepType.takesClientCertificate)
    throw new AppError('step_failed', `${stepType.type} takes no client certificate.`)
  if (lent.type !== clientCertificateType)
    throw new AppError('step_failed', `The client certificate is a credential of type ${lent.type}.`)
  return holdCredential(lent)
}

export const clientCertificateType = 'x509'

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
