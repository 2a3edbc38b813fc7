import { describeCredentialEndpoint, Id } from '@opsconductor/contracts'
import type { Deps } from '../deps.ts'
import { findWay } from '../servers/find-way.ts'
import type { StoredOperation } from './store.ts'

/** Names what the operation may borrow from the broker, as things are now: what it is about, and the bastions on its ways. */
export async function nameCredentials(
  deps: Pick<Deps, 'operations' | 'internal'>,
  { id, projectId }: StoredOperation,
  signal: AbortSignal,
): Promise<void> {
  const { credentials, ways } = await deps.operations.findNeeds(id)
  const references = new Set<string>()
  for (const via of ways) {
    const { bastions } = await findWay(deps, projectId, via, signal)
    for (const { credential } of bastions) references.add(credential)
  }
  const named = [...references].map((reference) => idOf(deps, projectId, reference, signal))
  await deps.operations.nameCredentials(id, [...credentials, ...(await Promise.all(named))])
}

async function idOf(
  { internal }: Pick<Deps, 'internal'>,
  projectId: string,
  reference: string,
  signal: AbortSignal,
): Promise<string> {
  if (Id.safeParse(reference).success) return reference
  const options = { params: { reference }, signal }
  return (await internal.call(describeCredentialEndpoint, { project_id: projectId }, options)).id
}
