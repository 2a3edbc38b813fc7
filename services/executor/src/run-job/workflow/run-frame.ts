import type { RunJobInput, RunProgress } from '@opsconductor/contracts'
import { ApplicationFailure, workflowInfo } from '@temporalio/workflow'
import type { RunFacts } from '../activity-contract.ts'
import { createLocalRoom, type LocalRoom, sizeOf } from './local-room.ts'

/** The server ends a history of 50 MB; what steps take and give stands in it. */
const runBytesMax = 24 * 1024 * 1024
const finalBytesMax = 4 * 1024 * 1024

/** What all steps of one workflow have in common. */
export interface RunFrame {
  runId: string
  trigger: RunJobInput['trigger']
  /** How many runs are above this one. */
  depth: number
  /** The projects that wait for this run, from the first on. */
  callChain: readonly string[]
  progress: Pick<RunProgress, 'step_id'>
  bytesLeft: number
  local: LocalRoom
}

/** Once it is, the run must end: every further step would grow the history. */
export const isExhausted = (frame: RunFrame): boolean => frame.bytesLeft < 0

/** The final steps have something left, whatever the others used. */
export function allowFinalSteps(frame: RunFrame): void {
  frame.bytesLeft = Math.max(frame.bytesLeft, finalBytesMax)
}

/** From here on a loop's items go to workflows of their own; the server ends a history of 51,200 events. */
const historyLengthMax = 8_000

export const createFrame = (facts: RunFacts, progress: RunFrame['progress']): RunFrame => ({
  runId: facts.runId,
  trigger: facts.trigger,
  depth: facts.depth,
  callChain: facts.callChain ?? [],
  progress,
  bytesLeft: runBytesMax,
  local: createLocalRoom(),
})

/** Counts what goes into the workflow's history. */
export function spend(frame: RunFrame, ...values: unknown[]): void {
  for (const value of values) frame.bytesLeft -= sizeOf(value)
  if (isExhausted(frame))
    throw ApplicationFailure.nonRetryable(
      'The steps of the run took and gave more than a run can hold.',
      'target_answer_too_large',
    )
}

export const isHistoryLong = (): boolean => workflowInfo().historyLength > historyLengthMax
