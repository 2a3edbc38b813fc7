import { CancellationScope, condition } from '@temporalio/workflow'
import type { Ended, OperationPlan } from '../operations/activity-contract.ts'
import { isSettled, reportBatch, resultOfBatch, startItem } from './activities.ts'
import type { OperationFrame } from './frame.ts'

/** An item tells us; this is for one that could not. */
const askAgainMs = 60_000

/** An operation for each certificate, no more at once than was asked for; one that waits for a retry holds no other up. */
export async function runBatch(frame: OperationFrame, plan: OperationPlan): Promise<Ended> {
  const waiting = [...plan.certificateIds]
  const total = waiting.length
  let done = 0
  async function take(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      // Begun is begun: one that is not known to have started could not be cancelled with the batch.
      const itemId = await CancellationScope.nonCancellable(() =>
        startItem(frame.operationId, next as string),
      )
      if (itemId !== null) await untilSettled(frame, itemId)
      done++
      if (done % reportEvery(total) === 0 && done < total) await reportBatch(frame.operationId, done, total)
    }
  }
  const lanes = Array.from({ length: Math.min(plan.concurrency, total) }, take)
  const failed = (await Promise.allSettled(lanes)).find((lane) => lane.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return { state: 'succeeded', result: await resultOfBatch(frame.operationId) }
}

/** Some fifty reports of a batch, however long it is. */
const reportEvery = (total: number): number => Math.ceil(total / 50)

async function untilSettled({ settled }: OperationFrame, itemId: string): Promise<void> {
  while (!(await condition(() => settled.has(itemId), askAgainMs))) if (await isSettled(itemId)) return
}
