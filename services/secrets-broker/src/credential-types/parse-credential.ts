import { AppError, type FieldError } from '@opsconductor/errors'
import { secretLengthMin } from '@opsconductor/redact'
import { fieldErrors } from '@opsconductor/service-kit'
import { type AnyCredentialType, tooShort } from './define-credential-type.ts'
import { credentialTypeNames, findCredentialType } from './index.ts'

export interface GivenCredential {
  type: string
  secret: string | Record<string, string>
  extra: Record<string, unknown>
}

export interface ParsedCredential {
  secret: Record<string, string>
  extra: Record<string, unknown>
}

/** Secret and extra as their type has them; throws `validation_failed` naming every wrong field and quoting none. */
export function parseCredential(given: GivenCredential): ParsedCredential {
  const type = findCredentialType(given.type)
  if (type === undefined)
    throw refuse([{ path: 'body.type', message: `must be one of ${credentialTypeNames.join(', ')}` }])
  const isText = typeof given.secret === 'string'
  const secret = type.secret.safeParse(isText ? { [type.mainSecret]: given.secret } : given.secret)
  const extra = type.extra.safeParse(given.extra)
  const errors = [
    ...(secret.error ? secretErrors(fieldErrors(secret.error, 'body.secret'), isText) : []),
    ...(extra.error ? fieldErrors(extra.error, 'body.extra') : []),
    ...(secret.success ? redactionErrors(type, secret.data) : []),
  ]
  if (errors.length > 0 || !secret.success || !extra.success) throw refuse(errors)
  return { secret: secret.data, extra: extra.data }
}

/** A secret given as a plain string has no fields to name. */
const secretErrors = (errors: FieldError[], isText: boolean): FieldError[] =>
  isText ? errors.map(({ message }) => ({ path: 'body.secret', message })) : errors

/** Parts of a secret that are secrets too, as the password in a DSN. */
function redactionErrors(type: AnyCredentialType, secret: Record<string, string>): FieldError[] {
  const short = type.secretsToRedact(secret as never).some((text) => text.length < secretLengthMin)
  return short ? [{ path: 'body.secret', message: `holds a password that ${tooShort}` }] : []
}

function refuse(errors: FieldError[]): AppError {
  const detail = errors.map(({ path, message }) => `${path} ${message}`).join('; ')
  return new AppError('validation_failed', detail.slice(0, 1000), { errors })
}
