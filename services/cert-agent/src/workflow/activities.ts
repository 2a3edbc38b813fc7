import { ActivityCancellationType, proxyActivities, proxyLocalActivities } from '@temporalio/workflow'
import type { OperationActivities } from '../operations/activity-contract.ts'

type Performing = 'performOperation' | 'performDeployment'

/** Our own database, and Temporal itself: retried for ever, they come back. */
export const {
  openOperation,
  postponeOperation,
  postponeDeployment,
  startItem,
  isSettled,
  reportBatch,
  cancelItems,
  resultOfBatch,
  closeOperation,
} = proxyLocalActivities<Omit<OperationActivities, Performing>>({
  startToCloseTimeout: '30 seconds',
  retry: { initialInterval: '100 milliseconds', backoffCoefficient: 2, maximumInterval: '5 seconds' },
})

/** One attempt: how often it is made, and when, is the workflow's. A worker that died is noticed by its heartbeats. */
export const { performOperation, performDeployment } = proxyActivities<Pick<OperationActivities, Performing>>(
  {
    startToCloseTimeout: '2 hours',
    heartbeatTimeout: '10 seconds',
    // What was begun on a target is taken back before the operation is called cancelled.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { maximumAttempts: 1 },
  },
)
