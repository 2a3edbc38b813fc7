import { type Caller, projectOf } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { type ProjectConnectorRecord, selectProjectConnector } from './store.ts'

/** One of the caller's project, on either side; any other does not exist for the caller. */
export async function findProjectConnector(
  { pool }: Pick<Deps, 'pool'>,
  caller: Caller,
  id: string,
): Promise<ProjectConnectorRecord> {
  const found = await selectProjectConnector(pool, projectOf(caller), id)
  if (found === undefined) throw new AppError('not_found', 'There is no such project connector.')
  return found
}

/** The same, of those that call from the caller's project: only that project changes and tests them. */
export async function findOwnProjectConnector(
  deps: Pick<Deps, 'pool'>,
  caller: Caller,
  id: string,
): Promise<ProjectConnectorRecord> {
  const found = await findProjectConnector(deps, caller, id)
  if (found.sourceProjectId !== projectOf(caller))
    throw new AppError(
      'forbidden',
      'Only the project that calls changes or tests it; the called one may delete it.',
    )
  return found
}
