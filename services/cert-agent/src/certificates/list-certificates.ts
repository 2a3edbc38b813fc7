import { type Caller, projectOf } from '@opsconductor/auth'
import type { ListCertificates } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import { findLimit } from '../client-limits/find-limit.ts'
import type { Deps } from '../deps.ts'
import type { StoredCertificate } from './store.ts'

/** A limited API key sees those on its servers, and those that it made. */
export async function listCertificates(
  deps: Pick<Deps, 'certificates' | 'clientLimits' | 'now'>,
  caller: Caller,
  query: z.infer<typeof ListCertificates>,
): Promise<StoredCertificate[]> {
  const { cursor } = query
  // Nothing would come after a row that is gone, and the list would look complete.
  if (cursor !== undefined && (await deps.certificates.find(projectOf(caller), cursor)) === undefined)
    throw new AppError('invalid_request', 'query.cursor is not a cursor (any more).', {
      errors: [{ path: 'query.cursor', message: 'is not a cursor (any more)' }],
    })
  const limit = await findLimit(deps, caller)
  if (limit !== undefined && query.server_id !== undefined && !limit.serverIds.includes(query.server_id))
    return []
  return deps.certificates.list(projectOf(caller), query, deps.now(), limit)
}
