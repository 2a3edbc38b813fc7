import type { Ended, OperationPlan } from '../operations/activity-contract.ts'
import { performOperation, postponeOperation } from './activities.ts'
import { failureOf } from './failure.ts'
import { type OperationFrame, waitingIn } from './frame.ts'
import { type FailedAttempt, goLater, pursue } from './pursue.ts'

/** A revocation that cannot be made is for people to know. */
const revocationsMax = 10

/** Tried again for as long as what failed may pass by itself. */
export const isRefused = ({ retryable }: FailedAttempt): boolean => !retryable

export const isRefusedOrGivenUp = (failure: FailedAttempt, attempts: number): boolean =>
  isRefused(failure) || attempts >= revocationsMax

/** Tried once; again only where our own worker stopped meanwhile. */
export const isNotInterrupted = ({ interrupted }: FailedAttempt): boolean => interrupted !== true

export async function pursueOperation(
  frame: OperationFrame,
  { pursued, expiresAt }: OperationPlan,
  isFinal: (failure: FailedAttempt, attempts: number) => boolean,
): Promise<Ended | typeof goLater> {
  const done = await pursue({
    ...{ begun: pursued, expiresAt, isFinal, ...waitingIn(frame) },
    attempt: () => performOperation(frame.operationId).then((result) => ({ end: result }), failureOf),
    postpone: (next, failure) => postponeOperation(frame.operationId, next, failure),
    settle: () => frame.settle(),
  })
  if (done === goLater) return goLater
  return 'end' in done ? { state: 'succeeded', result: done.end } : { state: 'failed', error: done.failure }
}
