import type { PinnedRun } from '@opsconductor/contracts'
import type { ExecutorDeps } from '../deps.ts'
import { pinnedRedelivery } from '../webhooks/pinned-redelivery.ts'
import { unknownRun } from './get-run.ts'

/** A run of any project with the steps of its job version, for the broker alone. Throws `not_found`. */
export async function getPinnedRun(
  { runs, webhooks }: Pick<ExecutorDeps, 'runs' | 'webhooks'>,
  id: string,
): Promise<PinnedRun> {
  const run = (await runs.findPinned(id)) ?? (await pinnedRedelivery(webhooks, runs.findPinned, id))
  if (run === undefined) throw unknownRun()
  return run
}
