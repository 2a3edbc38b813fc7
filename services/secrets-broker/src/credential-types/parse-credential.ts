import { AppError, type FieldError } from '@opsconductor/errors'
import { secretLengthMin } from '@opsconductor/redact'
import { fieldErrors } from '@opsconductor/service-kit'
import {
  type AnyCredentialType,
  type CertificateColumns,
  type CredentialFault,
  type NormalCredential,
  noCertificate,
  tooShort,
} from './define-credential-type.ts'
import { credentialTypeNames, findCredentialType } from './index.ts'
import { lendable } from './lend.ts'
import { parseExtra } from './public-extra.ts'

export interface GivenCredential {
  type: string
  secret?: string | Record<string, string> | undefined
  extra: Record<string, unknown>
}

export interface ParsedCredential {
  secret: Record<string, string>
  extra: Record<string, unknown>
  /** When the credential ends by itself, as a certificate does. */
  expiresAt: Date | null
  certificate: CertificateColumns
}

/**
 * Secret and extra as their type has them; throws `validation_failed` naming every wrong field and quoting none. May
 * take a second where a private key is encrypted, without holding up others.
 */
export async function parseCredential(given: GivenCredential): Promise<ParsedCredential> {
  const type = findCredentialType(given.type)
  if (type === undefined)
    throw refuse([{ path: 'body.type', message: `must be one of ${credentialTypeNames.join(', ')}` }])
  const secret = parseSecret(type, given.secret)
  const extra = parseExtra(type.extra, given.extra, type.extraBytesMax)
  if ('errors' in secret || 'errors' in extra)
    throw refuse([secret, extra].flatMap((part) => ('errors' in part ? part.errors : [])))
  const kept = await normalise(type, secret.data, extra.data)
  const errors = 'faults' in kept ? kept.faults.map(inBody) : await togetherErrors(type, kept)
  if ('faults' in kept || errors.length > 0)
    throw refuse(typeof given.secret === 'string' ? errors.map(unfielded) : errors)
  const expiresAt = type.expiresAt?.(kept.secret, kept.extra) ?? kept.certificate.certificateExpiresAt
  return { ...kept, expiresAt }
}

function parseSecret(
  type: AnyCredentialType,
  given: GivenCredential['secret'],
): { data: Record<string, string> } | { errors: FieldError[] } {
  const path = 'body.secret'
  if (typeof given === 'string' && type.mainSecret === undefined)
    return { errors: [{ path, message: 'must be left out: this type has no secret of its own' }] }
  const parsed = type.secret.safeParse(
    typeof given === 'string' ? { [type.mainSecret as string]: given } : (given ?? {}),
  )
  if (parsed.success) return { data: parsed.data }
  if (given === undefined) return { errors: [{ path, message: 'is missing' }] }
  const errors = fieldErrors(parsed.error, path)
  return { errors: typeof given === 'string' ? errors.map(unfielded) : errors }
}

/** A secret given as a plain string has no fields to name. */
const unfielded = ({ path, message }: FieldError): FieldError => ({
  path: path.startsWith('body.secret.') ? 'body.secret' : path,
  message,
})

type Parts = Pick<ParsedCredential, 'secret' | 'extra'>

const normalise = async (
  type: AnyCredentialType,
  secret: Parts['secret'],
  extra: Parts['extra'],
): Promise<NormalCredential<Parts['secret'], Parts['extra']> | { faults: CredentialFault[] }> =>
  (await type.normalise?.(secret, extra)) ?? { secret, extra, certificate: noCertificate }

const inBody = ({ path, message }: CredentialFault): FieldError => ({ path: `body.${path}`, message })

async function togetherErrors(type: AnyCredentialType, { secret, extra }: Parts): Promise<FieldError[]> {
  const faults = (await type.faults?.(secret, extra)) ?? []
  if (faults.length > 0) return faults.map(inBody)
  // Parts of a secret are secrets too, as the password in a DSN.
  const short = lendable(type.type, secret, extra).redact.some((text) => text.length < secretLengthMin)
  return short ? [{ path: 'body.secret', message: `holds a password that ${tooShort}` }] : []
}

function refuse(errors: FieldError[]): AppError {
  const shown = errors.slice(0, errorsMax)
  const detail = shown.map(({ path, message }) => `${path} ${message}`).join('; ')
  return new AppError('validation_failed', detail.slice(0, 1000), { errors: shown })
}

/** At most this many wrong fields are reported. */
const errorsMax = 20
