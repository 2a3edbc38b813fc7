import { ApplicationFailure, CancellationScope, isCancellation } from '@temporalio/workflow'
import { evaluateCondition } from '../../templating/evaluate-condition.ts'
import { renderTemplates, type TemplateScope } from '../../templating/render.ts'
import type { PlannedStep, StepPlace } from '../activity-contract.ts'
import { endStep, runStepActivity } from './activities.ts'
import { failureOf } from './failure.ts'
import { runDurableStep } from './run-durable-step.ts'
import { allowFinalSteps, isExhausted, type RunFrame, spend } from './run-frame.ts'

/** Stands in the results in place of a result that there is none of. */
const skipped = { skipped: true } as const

/**
 * Runs the steps in order, each seeing what `scope` holds and the results before it, which are added to `scope.steps`.
 * Answers the last result.
 */
export async function runSteps(
  frame: RunFrame,
  steps: readonly PlannedStep[],
  scope: TemplateScope,
  item = '',
): Promise<unknown> {
  const results = scope.steps as Record<string, unknown>
  let last: unknown = null
  for (const [index, step] of steps.entries()) {
    frame.progress.step_id = step.id
    const place: StepPlace = {
      runId: frame.runId,
      position: step.position ?? index,
      stepId: step.id,
      type: step.type,
      ...(item === '' ? {} : { item }),
    }
    last = await runGuarded(frame, step, place, scope).catch((error) => {
      // Those inside of a loop have changed it.
      frame.progress.step_id = step.id
      throw error
    })
    results[step.id] = last
  }
  return last
}

async function runGuarded(
  frame: RunFrame,
  step: PlannedStep,
  place: StepPlace,
  scope: TemplateScope,
): Promise<unknown> {
  try {
    return await runStep(frame, step, place, scope)
  } catch (error) {
    if (!step.continueOnError || isCancellation(error) || isExhausted(frame)) throw error
    const { code, message } = failureOf(error)
    return { error: { code, message } }
  }
}

async function runStep(
  frame: RunFrame,
  step: PlannedStep,
  place: StepPlace,
  scope: TemplateScope,
): Promise<unknown> {
  if (step.condition !== undefined && !evaluateCondition(step.condition, scope)) {
    await frame.local.run(0, () => endStep(place, { status: 'skipped' }))
    return skipped
  }
  const input = renderTemplates(step.input, scope, { urlFields: step.urlFields })
  const result =
    step.mode === 'whole' || step.mode === 'attempts'
      ? await runDurableStep(frame, step, place, input, scope, (nested, item) =>
          runSteps(frame, step.steps ?? [], nested, item),
        )
      : await runStepActivity(frame, step, {
          ...place,
          credential: step.credential,
          clientCertificate: step.clientCertificate,
          ...(step.connector === undefined ? {} : { connector: step.connector }),
          ...(step.via === undefined ? {} : { via: step.via }),
          input,
          timeoutSeconds: step.timeoutSeconds,
          ...(step.retry === undefined ? {} : { retry: step.retry }),
        })
  spend(frame, input, result)
  return result
}

/** Longer than any cleaning up should take; then the run ends all the same. */
const finallyMsMax = 15 * 60_000

/** Runs each of the final steps, whatever became of the others and of the run; answers the first failure. */
export async function runFinally(
  frame: RunFrame,
  steps: readonly PlannedStep[],
  scope: TemplateScope,
): Promise<{ error: unknown; stepId: string } | undefined> {
  let first: { error: unknown; stepId: string } | undefined
  allowFinalSteps(frame)
  await CancellationScope.nonCancellable(() =>
    CancellationScope.withTimeout(finallyMsMax, async () => {
      for (const step of steps)
        try {
          await runSteps(frame, [step], scope)
        } catch (error) {
          // Only the time limit cancels here.
          if (isCancellation(error)) throw error
          first ??= { error, stepId: step.id }
        }
    }),
  ).catch((error) => {
    if (!isCancellation(error)) throw error
    first ??= {
      error: ApplicationFailure.nonRetryable('The final steps took too long.', 'step_timeout'),
      stepId: frame.progress.step_id as string,
    }
  })
  return first
}
