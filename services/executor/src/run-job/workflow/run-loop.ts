import { CancellationScope } from '@temporalio/workflow'
import { runLoopItems } from '../../step-types/for-each.workflow.ts'
import type { StepPlace } from '../activity-contract.ts'
import { openLoop } from './activities.ts'
import type { LoopPart } from './child-workflows.ts'
import { createDurableContext } from './durable-context.ts'
import type { ItemOutcome } from './durable-step.ts'
import { createFrame } from './run-frame.ts'
import { runSteps } from './run-steps.ts'

/** A part of a loop's items in a workflow of its own; started by the run, never by a caller. */
export async function runLoop({
  facts,
  stepId,
  item,
  position,
  scope,
  batch,
}: LoopPart): Promise<ItemOutcome[]> {
  const step = await CancellationScope.nonCancellable(() => openLoop(facts.runId, stepId))
  const frame = createFrame(facts, { step_id: null })
  const place: StepPlace = { runId: facts.runId, position, stepId, type: step.type, ...(item && { item }) }
  const ctx = createDurableContext(frame, step, place, scope, (nested, at) =>
    runSteps(frame, step.steps ?? [], nested, at),
  )
  return await runLoopItems(batch, ctx)
}
