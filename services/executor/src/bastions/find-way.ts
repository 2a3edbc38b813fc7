import { AppError } from '@opsconductor/errors'
import type { BastionRecord, BastionStore } from './store.ts'

/** The bastions of the names, in their order. Throws `code` where one is not there (any more). */
export async function findWay(
  bastions: Pick<BastionStore, 'findNamed'>,
  projectId: string,
  via: readonly string[],
  code: 'step_failed' | 'not_found',
): Promise<BastionRecord[]> {
  if (via.length === 0) return []
  const found = await bastions.findNamed(projectId, via)
  return via.map((wanted) => {
    const bastion = found.find(({ name }) => name === wanted)
    if (bastion === undefined)
      throw new AppError(code, `The project has no bastion ${wanted.slice(0, 100)} (any more).`)
    return bastion
  })
}
