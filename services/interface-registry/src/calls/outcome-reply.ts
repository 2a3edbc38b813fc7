import { RunOutcome } from '@opsconductor/contracts'
import { AppError, type ErrorCode, errorCodes } from '@opsconductor/errors'
import type { Reply } from '@opsconductor/service-kit'
import type { CallTarget } from './store.ts'

/** The outcome as data of the contract; a worker that answers anything else is at fault, not the caller. */
export function parseOutcome(value: unknown): RunOutcome {
  const parsed = RunOutcome.safeParse(value)
  if (parsed.success) return parsed.data
  throw new AppError('invalid_answer', 'The run ended with an answer that we cannot read.')
}

/** 200 with the output, or the problem that the run ended with. */
export function outcomeReply(target: CallTarget, outcome: RunOutcome): Reply {
  if (outcome.status !== 'succeeded') throw problemOf(outcome)
  assertOutput(target, outcome.output)
  return {
    status: 200,
    body: { run_id: outcome.run_id, status: outcome.status, output: outcome.output },
  }
}

/** Throws `invalid_answer` (502) where the output is not what the interface promises. */
export function assertOutput(target: CallTarget, output: unknown): void {
  const fault = target.validateOutput(output, 'output')
  if (fault !== undefined)
    throw new AppError('invalid_answer', 'The output does not fit the output_schema of the interface.', {
      errors: [fault],
    })
}

function problemOf({ run_id: runId, status, error }: Exclude<RunOutcome, { status: 'succeeded' }>): AppError {
  const known = Object.hasOwn(errorCodes, error.code) ? (error.code as ErrorCode) : 'step_failed'
  const code = status === 'cancelled' ? 'run_cancelled' : known
  return new AppError(code, error.message, {
    internal: { run_id: runId },
    errors: [
      { path: 'run_id', message: runId },
      ...(error.step_id === null ? [] : [{ path: `steps.${error.step_id}`, message: error.message }]),
    ],
  })
}
