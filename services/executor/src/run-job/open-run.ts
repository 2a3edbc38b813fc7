import type { JobDefinition, RunJobInput, RunOutcome } from '@opsconductor/contracts'
import { RunJobInput as RunJobInputSchema } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { assertPlainJson } from '@opsconductor/service-kit'
import { stepTypes } from '../step-types/index.ts'
import type { OpenedRun, PlannedStep } from './activity-contract.ts'
import type { RunJobStore } from './store.ts'

/** Attempts of a step whose type may be repeated, where the job does not say. */
const attemptsByDefault = 3

/** Writes the run's row and plans its steps. Whoever started the workflow is not trusted: everything is checked again. */
export async function openRun(
  store: Pick<RunJobStore, 'openRun' | 'findEndedRun'>,
  projectId: string,
  given: RunJobInput,
  workflowId: string,
): Promise<OpenedRun> {
  const input = checkInput(given)
  const found = await store.openRun(projectId, input, workflowId)
  if (found === undefined) throw new AppError('not_found', 'The project has no such job version.')
  if (!found.opened) return { ended: await outcomeOfBefore(store, projectId, input) }
  const { steps, output } = found.definition
  return {
    ended: null,
    steps: steps.map(planStep),
    outputTemplate: output ?? null,
    hasOutputTemplate: output !== undefined,
  }
}

function checkInput(given: RunJobInput): RunJobInput {
  assertPlainJson(given?.input, 'input')
  const parsed = RunJobInputSchema.safeParse(given)
  if (parsed.success) return parsed.data
  throw new AppError('validation_failed', 'The workflow was started with an input that is not a RunJobInput.')
}

/** The same Idempotency-Key again, after Temporal forgot the first workflow: its answer, and no second effect. */
async function outcomeOfBefore(
  store: Pick<RunJobStore, 'findEndedRun'>,
  projectId: string,
  input: RunJobInput,
): Promise<RunOutcome> {
  const ended = await store.findEndedRun(projectId, input.run_id, input.job_id)
  if (ended === undefined) throw new AppError('not_found', 'The run belongs to another job.')
  if (ended.bodyHash !== input.body_hash)
    throw new AppError('idempotency_mismatch', 'The Idempotency-Key was used with another request.')
  return ended.outcome
}

function planStep(step: JobDefinition['steps'][number]): PlannedStep {
  const stepType = stepTypes.get(step.type)
  if (stepType === undefined) throw new AppError('validation_failed', `There is no step type ${step.type}.`)
  return {
    id: step.id,
    type: step.type,
    credential: step.credential ?? null,
    clientCertificate: step.client_certificate ?? null,
    input: step.input,
    urlFields: stepType.urlFields ?? [],
    timeoutSeconds: step.timeout_seconds ?? stepType.timeoutSeconds,
    attemptsMax: step.max_attempts ?? (stepType.retryable ? attemptsByDefault : 1),
  }
}
