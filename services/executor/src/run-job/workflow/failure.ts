import { ActivityFailure, ApplicationFailure, isCancellation, TimeoutFailure } from '@temporalio/workflow'
import { TemplateError } from '../../templating/parse-template.ts'
import type { StepFailure } from '../activity-contract.ts'

/** Why a step or a run failed, from whatever a workflow can catch. */
export function failureOf(error: unknown): StepFailure {
  if (isCancellation(error)) return { code: 'run_cancelled', message: 'The run was cancelled.' }
  if (error instanceof TemplateError) return { code: 'template_error', message: error.message }
  const cause = causeOf(error)
  if (cause instanceof ApplicationFailure && typeof cause.type === 'string')
    return { code: cause.type, message: cause.message }
  if (cause instanceof TimeoutFailure)
    return cause.timeoutType === 'HEARTBEAT'
      ? {
          code: 'step_failed',
          message: 'The worker was lost while the step ran; whether the step took effect is not known.',
        }
      : { code: 'step_timeout', message: 'The step took too long.' }
  return { code: 'internal_error', message: 'Something went wrong on our side.' }
}

const causeOf = (error: unknown): unknown => (error instanceof ActivityFailure ? error.cause : error)
