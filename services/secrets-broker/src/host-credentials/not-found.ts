import { AppError } from '@opsconductor/errors'

/** Seed 003 fixes the body; the words are for the access log. */
export const hostCredentialNotFound = () =>
  new AppError('not_found', 'Credential not found', { exactBody: { reason: 'not_found' } })
