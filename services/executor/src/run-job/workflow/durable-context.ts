import { ApplicationFailure, isCancellation, sleep } from '@temporalio/workflow'
import { callProject } from '../../project-calls/workflow/call-project.ts'
import type { TemplateScope } from '../../templating/render.ts'
import { idempotencyKeyOf, type PlannedStep, type StepFailure, type StepPlace } from '../activity-contract.ts'
import { keepValue, runStepActivity } from './activities.ts'
import { runLoopElsewhere, runOtherJob } from './child-workflows.ts'
import type { DurableContext, LoopTools } from './durable-step.ts'
import { failureOf } from './failure.ts'
import { isExhausted, isHistoryLong, type RunFrame, spend } from './run-frame.ts'

/** Runs the steps inside of a loop for one item. */
export type RunNested = (scope: TemplateScope, item: string) => Promise<unknown>

export function createDurableContext(
  frame: RunFrame,
  step: PlannedStep,
  place: StepPlace,
  scope: TemplateScope,
  runNested: RunNested,
): DurableContext {
  return {
    runId: frame.runId,
    stepId: step.id,
    item: place.item ?? '',
    idempotencyKey: idempotencyKeyOf(place),
    attempt: (number, input, { timeoutSeconds = step.timeoutSeconds } = {}) =>
      runStepActivity(frame, step, {
        ...place,
        credential: step.credential,
        clientCertificate: step.clientCertificate,
        ...(step.via === undefined ? {} : { via: step.via }),
        input,
        timeoutSeconds,
        attempt: number,
      }),
    async sleep(seconds) {
      await sleep(Math.max(1, Math.round(seconds * 1000)))
      frame.local.emptied()
    },
    now: () => Date.now(),
    random: () => Math.random(),
    isCancellation,
    failureOf,
    fail(failure) {
      throw stepFailure(failure)
    },
    loop: createLoopTools(frame, step, place, scope, runNested),
    runJob: (request) => runOtherJob(frame, step, request),
    callProject: (request) => callProject(frame, step, place, request),
  }
}

/** An item's output over this becomes an artefact: the outcomes of thousands of items are one result. */
const itemCharactersMax = 8 * 1024
const referenceBytesMax = 2 * 1024

function createLoopTools(
  frame: RunFrame,
  step: PlannedStep,
  place: StepPlace,
  scope: TemplateScope,
  runNested: RunNested,
): LoopTools {
  const placeOf = (index: number) => [...(place.item === undefined ? [] : [place.item]), index].join('.')
  const steps = step.steps ?? []
  return {
    steps,
    runItem: (index, variables) =>
      // Each item sees the results before the loop and its own, not those of the others.
      runNested({ ...scope, ...variables, steps: { __proto__: null, ...scope.steps } }, placeOf(index)),
    async keep(value, index) {
      if ((JSON.stringify(value)?.length ?? 0) <= itemCharactersMax) return value
      return await frame.local.run(referenceBytesMax, () =>
        keepValue({ ...place, item: placeOf(index) }, value),
      )
    },
    isHistoryLong,
    isExhausted: () => isExhausted(frame),
    runBatch: (batch) => runLoopElsewhere(frame, step, place, scope, batch),
    spend: (value) => spend(frame, value),
  }
}

export const stepFailure = ({ code, message }: StepFailure): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, code)
