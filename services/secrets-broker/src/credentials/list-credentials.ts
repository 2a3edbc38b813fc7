import { assertAllowed, type Caller, projectOf } from '@opsconductor/auth'
import type { ListCredentials } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { permissions } from '../permissions.ts'
import { type ListedRecord, selectCredentials } from './store.ts'

/**
 * The project's credentials, newest first; one more than the page holds. Those that were deleted are shown only to who
 * may restore them; throws `forbidden` for others.
 */
export function listCredentials(
  { prisma, now }: Deps,
  caller: Caller,
  query: z.infer<typeof ListCredentials>,
): Promise<ListedRecord[]> {
  if (query.deleted) assertAllowed(permissions, 'credentials:write', caller)
  return selectCredentials(prisma, projectOf(caller), query, now())
}
