import { AppError } from '@opsconductor/errors'
import { awaitUntil } from '../leadership/await-until.ts'
import { type CheckDeps, performCheck } from './perform-check.ts'
import { type BegunCheck, beginCheck } from './store.ts'

/** One that is under way ends within this time, and with what follows it is less than the gateway waits. */
const waitSecondsMax = 12

/**
 * Checks a connector of the project once no other check of it is under way: that one may have begun before the connector
 * was changed. Throws `conflict` where it is changed meanwhile, and as `performCheck` does.
 */
export async function checkNow(
  deps: CheckDeps,
  projectId: string,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const begun: BegunCheck[] = []
  await awaitUntil(async () => {
    const check = await beginCheck(deps.pool, projectId, id)
    if (check !== undefined) begun.push(check)
    return check !== undefined || signal.aborted
  }, waitSecondsMax)
  const [check] = begun
  if (check === undefined) throw new AppError('conflict', 'Another check of the connector is under way.')
  if (!(await performCheck(deps, check, signal)))
    throw new AppError('conflict', 'The connector was changed while it was tested; test it again.')
}
