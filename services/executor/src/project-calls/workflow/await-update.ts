import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow'
import type { RunJobActivities } from '../../run-job/activity-contract.ts'
import type { AwaitedUpdate } from '../call-contract.ts'

const { waitForUpdate } = proxyActivities<Pick<RunJobActivities, 'waitForUpdate'>>({
  // Longer than any call may take.
  startToCloseTimeout: '25 hours',
  heartbeatTimeout: '10 seconds',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
})

/** Waits for an update that takes longer than a Nexus handler may: its answer is the operation's. */
export async function awaitUpdate(update: AwaitedUpdate): Promise<unknown> {
  return await waitForUpdate(update)
}
