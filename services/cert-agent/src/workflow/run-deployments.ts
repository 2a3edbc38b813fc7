import { condition } from '@temporalio/workflow'
import type { Ended, OperationPlan, PlannedDeployment } from '../operations/activity-contract.ts'
import { performDeployment, postponeDeployment } from './activities.ts'
import { failureOf } from './failure.ts'
import { type OperationFrame, waitingIn } from './frame.ts'
import { goLater, pursue } from './pursue.ts'

/** Attempts under way at once; those that wait are not counted. */
const attemptsAtOnceMax = 10

interface Lane {
  free: number
  /** Deployments that have neither gone live nor failed yet. */
  untried: number
  /** Deployments that are not live yet. */
  open: number
}

/** Each until its version is live, or a later operation has taken its place. */
export async function runDeployments(
  frame: OperationFrame,
  { deployments }: OperationPlan,
): Promise<Ended | typeof goLater> {
  const lane: Lane = {
    free: attemptsAtOnceMax,
    untried: deployments.filter(({ attempts }) => attempts === 0).length,
    open: deployments.length,
  }
  const ends = await Promise.all(deployments.map((deployment) => pursueDeployment(frame, lane, deployment)))
  if (ends.includes(goLater)) return goLater
  const superseded = ends.filter((end) => end === 'superseded').length
  return { state: 'succeeded', result: { live: ends.length - superseded, superseded } }
}

async function pursueDeployment(
  frame: OperationFrame,
  lane: Lane,
  { id, expiresAt, ...begun }: PlannedDeployment,
): Promise<'live' | 'superseded' | typeof goLater> {
  let isTried = begun.attempts > 0
  /** One that is over altogether tells its batch when its row says so. */
  const settle = async () => {
    if (isTried) return
    isTried = true
    lane.untried--
    if (lane.untried === 0 && lane.open > 0) await frame.settle()
  }
  const done = await pursue({
    ...{ begun, expiresAt, settle, ...waitingIn(frame) },
    attempt: () =>
      inLane(lane, () =>
        performDeployment(frame.operationId, id).then(({ state }) => ({ end: state }), failureOf),
      ),
    // Whatever it failed with is tried again: a broken server is repaired, a full disk is cleared.
    isFinal: () => false,
    postpone: (next, failure) => postponeDeployment(frame.operationId, id, next, failure),
  })
  if (done === goLater || !('end' in done)) return goLater
  lane.open--
  await settle()
  return done.end
}

async function inLane<T>(lane: Lane, work: () => Promise<T>): Promise<T> {
  await condition(() => lane.free > 0)
  lane.free--
  try {
    return await work()
  } finally {
    lane.free++
  }
}
