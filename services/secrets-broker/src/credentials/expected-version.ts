import { AppError } from '@opsconductor/errors'

/** The ETag of a credential: its version. */
export const etagOf = ({ version }: { version: number }): string => `"${version}"`

const etags = /^\s*(W\/)?"[^"]{0,100}"(\s*,\s*(W\/)?"[^"]{0,100}")*\s*$/

/** Throws `precondition_failed` where If-Match names other versions than the credential has (RFC 9110, 13.1.1). */
export function assertIfMatch(ifMatch: string | undefined, credential: { version: number }): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return
  if (ifMatch.length > 1000 || !etags.test(ifMatch))
    throw new AppError('invalid_request', 'If-Match must be the ETag of an answer, like "3".', {
      errors: [{ path: 'header.If-Match', message: 'must be the ETag of an answer, like "3"' }],
    })
  // The comparison is strong: a W/ tag never matches.
  const matches = ifMatch.split(',').some((tag) => tag.trim() === etagOf(credential))
  if (!matches)
    throw new AppError('precondition_failed', `The credential is at version ${credential.version} now.`, {
      errors: [{ path: 'header.If-Match', message: `is not the present version, ${credential.version}` }],
    })
}
