import { AppError } from '@opsconductor/errors'

/** A date that somebody gave; throws `validation_failed` where it is over. */
export function toExpiry(text: string, now: Date): Date {
  const at = new Date(text)
  if (at > now) return at
  throw new AppError('validation_failed', 'body.expires_at must be in the future', {
    errors: [{ path: 'body.expires_at', message: 'must be in the future' }],
  })
}

/** Throws `credential_expired`: what has expired is not lent. */
export function assertNotExpired({ expiresAt }: { expiresAt: Date | null }, now: Date): void {
  if (expiresAt !== null && expiresAt <= now)
    throw new AppError('credential_expired', `The credential expired at ${expiresAt.toISOString()}.`)
}
