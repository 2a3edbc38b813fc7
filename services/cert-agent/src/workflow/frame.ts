import { condition, workflowInfo } from '@temporalio/workflow'
import type { Pursuit } from './pursue.ts'

/** What the parts of a running operation share. */
export interface OperationFrame {
  operationId: string
  /** How often it was asked to try again at once. */
  wakes: number
  /** The items of this batch that said that they have settled. */
  settled: Set<string>
  /** Whoever waits returns: the operation goes on in a new history. */
  isLeaving: boolean
  /** Tells the batch that this is an item of, if it is, that it need not wait for it any more. */
  settle(): Promise<void>
}

/** Whether the history is long enough, so that the operation is to go on in a new one. */
function isToLeave(frame: OperationFrame): boolean {
  frame.isLeaving ||= workflowInfo().continueAsNewSuggested
  return frame.isLeaving
}

/** How one thing that is pursued in the operation waits: until then, or until somebody asks to try again at once. */
export function waitingIn(frame: OperationFrame): Pick<Pursuit<unknown>, 'wait' | 'isToLeave' | 'now'> {
  // Whoever asks during an attempt is heard when it has failed.
  let heard = frame.wakes
  return {
    async wait(ms) {
      if (ms > 0) await condition(() => frame.isLeaving || frame.wakes !== heard, ms)
      heard = frame.wakes
    },
    isToLeave: () => isToLeave(frame),
    now: () => Date.now(),
  }
}
