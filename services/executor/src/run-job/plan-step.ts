import { type Step, stepsOfJob } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { AnyStepType } from '../step-types/define-step-type.ts'
import { stepTypes } from '../step-types/index.ts'
import type { PlannedRetry, PlannedStep, StepMode } from './activity-contract.ts'

/** Attempts of a step whose type may be repeated, where the job does not say. */
const attemptsByDefault = 3
const retryByDefault: PlannedRetry = { initialMs: 500, factor: 2, maxMs: 30_000, jitter: true }
/** A step beside the workflow's task hears of a cancellation only when it has ended. */
const localSecondsMax = 2

/** All steps of the job with their limits, in the places that rows are ordered by. */
export function planJob(definition: { steps: Step[]; finally?: Step[] | undefined }) {
  const positions = new Map(stepsOfJob(definition).map(({ step }, position) => [step, position]))
  const plan = (step: Step): PlannedStep => {
    const position = positions.get(step)
    return {
      ...planStep(step),
      ...(position === undefined ? {} : { position }),
      ...(step.steps === undefined ? {} : { steps: step.steps.map(plan) }),
    }
  }
  return {
    steps: definition.steps.map(plan),
    ...(definition.finally === undefined ? {} : { finally: definition.finally.map(plan) }),
  }
}

/** A step with its limits resolved from its type. */
export function planStep(step: Step): PlannedStep {
  const stepType = stepTypes.get(step.type)
  if (stepType === undefined) throw new AppError('validation_failed', `There is no step type ${step.type}.`)
  const timeoutSeconds = step.timeout_seconds ?? stepType.timeoutSeconds
  return {
    id: step.id,
    type: step.type,
    credential: step.credential ?? null,
    clientCertificate: step.client_certificate ?? null,
    ...(step.connector === undefined ? {} : { connector: step.connector }),
    ...(step.via === undefined ? {} : { via: step.via }),
    input: step.input,
    urlFields: stepType.urlFields ?? [],
    timeoutSeconds,
    attemptsMax:
      step.retry?.max_attempts ?? step.max_attempts ?? (stepType.retryable ? attemptsByDefault : 1),
    mode: modeOf(stepType, timeoutSeconds),
    retry: retryOf(step),
    ...(step.if === undefined ? {} : { condition: step.if }),
    ...(step.continue_on_error === undefined ? {} : { continueOnError: step.continue_on_error }),
  }
}

function modeOf(stepType: AnyStepType, timeoutSeconds: number): StepMode {
  if (stepType.durable !== undefined) return stepType.durable
  return stepType.isLocal || (stepType.retryable && timeoutSeconds <= localSecondsMax) ? 'local' : 'activity'
}

function retryOf({ retry }: Step): PlannedRetry {
  if (retry === undefined) return retryByDefault
  return {
    initialMs: Math.round(retry.initial_seconds * 1000),
    factor: retry.factor,
    maxMs: Math.round(Math.max(retry.max_seconds, retry.initial_seconds) * 1000),
    jitter: retry.jitter,
  }
}
