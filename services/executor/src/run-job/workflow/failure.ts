import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  isCancellation,
  TimeoutFailure,
} from '@temporalio/workflow'
import { TemplateError } from '../../templating/parse-template.ts'
import type { CaughtFailure } from './durable-step.ts'

/** Why a step or a run failed, from whatever a workflow can catch. */
export function failureOf(error: unknown): CaughtFailure {
  if (isCancellation(error)) return final('run_cancelled', 'The run was cancelled.')
  if (error instanceof TemplateError) return final('template_error', error.message)
  const cause = causeOf(error)
  if (cause instanceof ApplicationFailure && typeof cause.type === 'string')
    return {
      code: cause.type,
      message: cause.message,
      retryable: cause.nonRetryable !== true,
      ...waitOf(cause),
    }
  if (cause instanceof TimeoutFailure)
    return cause.timeoutType === 'HEARTBEAT'
      ? {
          code: 'step_failed',
          message: 'The worker was lost while the step ran; whether the step took effect is not known.',
          retryable: true,
        }
      : { code: 'step_timeout', message: 'The step took too long.', retryable: true }
  return final('internal_error', 'Something went wrong on our side.')
}

const final = (code: string, message: string) => ({ code, message, retryable: false })

/** What the activity says of waiting, see activities.ts. */
function waitOf({ details }: ApplicationFailure): { retryAfterSeconds?: number } {
  const said = (details?.[0] as { retryAfterSeconds?: unknown } | undefined)?.retryAfterSeconds
  return typeof said === 'number' ? { retryAfterSeconds: said } : {}
}

/** A child may have failed by its own activity. */
const causeOf = (error: unknown): unknown =>
  error instanceof ActivityFailure || error instanceof ChildWorkflowFailure ? causeOf(error.cause) : error
