import { CancellationScope, isCancellation } from '@temporalio/workflow'
import { durableSteps } from '../../step-types/durable.ts'
import type { TemplateScope } from '../../templating/render.ts'
import type { DurableEnd, PlannedStep, StepPlace } from '../activity-contract.ts'
import { resultBytesMax } from '../result-limits.ts'
import { beginStep, endStep } from './activities.ts'
import { createDurableContext, type RunNested, stepFailure } from './durable-context.ts'
import { failureOf } from './failure.ts'
import { sizeOf } from './local-room.ts'
import type { RunFrame } from './run-frame.ts'

/** Runs a step whose part in the workflow is in `durable.ts`, within its time, and writes its end. */
export async function runDurableStep(
  frame: RunFrame,
  step: PlannedStep,
  place: StepPlace,
  rendered: unknown,
  scope: TemplateScope,
  runNested: RunNested,
): Promise<unknown> {
  const run = durableSteps[step.type]
  if (run === undefined)
    throw stepFailure({ code: 'validation_failed', message: `There is no step type ${step.type}.` })
  const input = await frame.local.run(sizeOf(rendered), () => beginStep(place, rendered))
  const ctx = createDurableContext(frame, step, place, scope, runNested)
  try {
    const output = await (step.mode === 'attempts'
      ? run(input, ctx)
      : withinTime(step, () => run(input, ctx)))
    return await frame.local.run(Math.min(sizeOf(output), resultBytesMax), () =>
      endStep(place, { status: 'succeeded', output }),
    )
  } catch (error) {
    // The attempts have rows of their own.
    if (step.mode === 'whole') {
      const end: DurableEnd = isCancellation(error)
        ? { status: 'cancelled' }
        : { status: 'failed', error: plainFailure(error) }
      await CancellationScope.nonCancellable(() => endStep(place, end))
    }
    throw error
  }
}

const plainFailure = (error: unknown) => {
  const { code, message } = failureOf(error)
  return { code, message }
}

async function withinTime<T>(step: PlannedStep, work: () => Promise<T>): Promise<T> {
  const scope = new CancellationScope({ cancellable: true, timeout: step.timeoutSeconds * 1000 })
  try {
    return await scope.run(work)
  } catch (error) {
    if (!isCancellation(error) || CancellationScope.current().consideredCancelled) throw error
    throw stepFailure({
      code: 'step_timeout',
      message: `The step took longer than ${step.timeoutSeconds} seconds.`,
    })
  }
}
