import { AppError } from '@opsconductor/errors'

/** Seed 003 fixes the body. */
export const hostCredentialNotFound = () =>
  new AppError('not_found', 'There is no credential of this host and purpose.', {
    exactBody: { reason: 'not_found' },
  })

/** What the access log says of it. */
export const notFoundMessage = 'Credential not found'
