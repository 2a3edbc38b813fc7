import { AppError } from '@opsconductor/errors'
import { performIssue } from '../certificates/perform-issue.ts'
import { performRevocation } from '../certificates/perform-revocation.ts'
import type { Deps } from '../deps.ts'
import { performDiscovery } from '../vhosts/perform-discovery.ts'
import { nameCredentials } from './name-credentials.ts'
import type { Performer } from './performer.ts'
import type { OperationKind } from './store.ts'

const performers: Partial<Record<OperationKind, Performer>> = {
  issue: performIssue,
  renew: performIssue,
  revoke: performRevocation,
  discover: performDiscovery,
}

/** Kinds without a performer are done by the request itself: here is only one that died meanwhile. */
export async function performOperation(deps: Deps, id: string, signal: AbortSignal): Promise<unknown> {
  const operation = await deps.operations.findById(id)
  const perform = performers[operation?.kind as OperationKind]
  if (operation === undefined || perform === undefined)
    throw new AppError('conflict', 'It was interrupted, and cannot be gone on with; ask for it again.')
  await nameCredentials(deps, operation, signal)
  return perform(deps, operation, signal)
}
