import type { PinnedRun } from '@opsconductor/contracts'
import type { WebhookStore } from './store.ts'

/**
 * What the broker is told of a redelivery, which borrows under an id of its own because its run has ended: the run as it
 * is pinned, with this one step.
 */
export async function pinnedRedelivery(
  webhooks: Pick<WebhookStore, 'findOpenRedelivery'>,
  findPinned: (runId: string) => Promise<PinnedRun | undefined>,
  id: string,
): Promise<PinnedRun | undefined> {
  const found = await webhooks.findOpenRedelivery(id)
  const run = found && (await findPinned(found.message.runId))
  if (run === undefined) return undefined
  return {
    ...run,
    run_id: id,
    status: 'running',
    steps: run.steps.filter((step) => step.id === found?.message.stepId),
  }
}
