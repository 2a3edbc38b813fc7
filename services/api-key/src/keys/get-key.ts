import { type Caller, projectOf } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import type { ApiKey } from './store.ts'

/** A key of the caller's project. */
export async function getKey({ keys }: Pick<Deps, 'keys'>, caller: Caller, id: string): Promise<ApiKey> {
  const apiKey = await keys.find(projectOf(caller), id)
  if (apiKey === undefined) throw new AppError('not_found', 'There is no such API key.')
  return apiKey
}
