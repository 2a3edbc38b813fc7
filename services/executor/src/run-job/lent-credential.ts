import type { LentCredential } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { SecretValue } from '@opsconductor/redact'
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
  const secret = Object.entries(lent.secret).map(([name, text]) => [name, new SecretValue(text)] as const)
  return { id: lent.id, type: lent.type, secret: Object.fromEntries(secret), extra: lent.extra }
}

/** All texts that must not leave: the secret parts, and what of a DSN or a Basic header is a secret by itself. */
export function secretsOf(lent: LentCredential | undefined): string[] {
  return Object.values(lent?.secret ?? {}).flatMap((text) => {
    if (!URL.canParse(text)) return [text]
    const { password } = new URL(text)
    try {
      return [text, password, decodeURIComponent(password)].filter((part) => part !== '')
    } catch {
      return [text, password]
    }
  })
}

/** The broker's refusal in a job's words; its own detail speaks of another request. */
export function toCredentialError(error: unknown): AppError {
  if (error instanceof AppError && error.code === 'not_found')
    return new AppError('step_failed', 'The credential does not exist in this project (any more).')
  if (error instanceof AppError && error.code === 'service_unavailable') return error
  if (error instanceof AppError)
    return new AppError('step_failed', 'The credential could not be used.', { cause: error })
  throw error
}
