import { findWayEndpoint } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'

/**
 * The project's outbound policy, and the bastions of the names, which are the executor's. Throws `step_failed`, which names
 * it, where one is not there (any more), and `service_unavailable`.
 */
export async function findWay(
  { internal }: Pick<Deps, 'internal'>,
  projectId: string,
  via: readonly string[],
  signal?: AbortSignal,
): Promise<z.infer<typeof findWayEndpoint.answer>> {
  try {
    return await internal.call(
      findWayEndpoint,
      { project_id: projectId, via: [...via] },
      signal === undefined ? {} : { signal },
    )
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'not_found') throw error
    throw new AppError('step_failed', error.message)
  }
}
