import type { RedeliverWebhookInput } from '@opsconductor/contracts'
import { proxyActivities } from '@temporalio/workflow'
import type { RunJobActivities } from '../../run-job/activity-contract.ts'

/** One delivery has at most an hour (a step's `timeout_seconds`); what stands around it gets a minute. */
const { redeliverWebhook: deliver } = proxyActivities<Pick<RunJobActivities, 'redeliverWebhook'>>({
  startToCloseTimeout: '61 minutes',
  heartbeatTimeout: '10 seconds',
  // For a worker that is lost: the attempt itself is made once.
  retry: { maximumAttempts: 3 },
})

/** Delivers a webhook of an ended run once more. What is to be sent is looked up: whoever starts this names no target. */
export async function redeliverWebhook({ redelivery_id: id }: RedeliverWebhookInput): Promise<void> {
  await deliver(id)
}
