import type { RunOutcome, RunTrigger } from '@opsconductor/contracts'
import { RunJobInput, RunJobRequest } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { compileSchema } from '@opsconductor/json-schema'
import { assertPlainJson, fieldErrors, idFor } from '@opsconductor/service-kit'
import type { z } from 'zod'
import type { OpenedRun, PlannedStep } from './activity-contract.ts'
import { planJob } from './plan-step.ts'
import type { RunJobStore } from './store.ts'

type OpenRunStore = Pick<RunJobStore, 'openRun' | 'findEndedRun' | 'findJob'>

/** Which workflow asks. */
export interface AskingWorkflow {
  workflowId: string
  /** The same over retries and resets of the workflow. */
  firstExecutionRunId: string | undefined
}

/** Writes the run's row and plans its steps. Whoever started the workflow is not trusted: everything is checked again. */
export async function openRun(
  store: OpenRunStore,
  projectId: string,
  given: unknown,
  asking: AskingWorkflow,
): Promise<{ opened: OpenedRun; input: RunJobInput }> {
  const input = await namedInput(store, projectId, given, asking)
  const found = await store.openRun(projectId, input, asking.workflowId)
  if (found === undefined) throw new AppError('not_found', 'The project has no such job version.')
  if (!found.opened) return { input, opened: { ended: await outcomeOfBefore(store, projectId, input) } }
  const { definition } = found
  const opened: OpenedRun = {
    ended: null,
    ...planJob(definition),
    outputTemplate: definition.output ?? null,
    hasOutputTemplate: definition.output !== undefined,
    facts: {
      runId: input.run_id,
      jobId: input.job_id,
      version: input.version,
      trigger: input.trigger,
      depth: input.parent?.depth ?? 0,
      ...(input.call_chain === undefined ? {} : { callChain: input.call_chain }),
    },
  }
  return { input, opened }
}

async function namedInput(
  store: OpenRunStore,
  projectId: string,
  given: unknown,
  asking: AskingWorkflow,
): Promise<RunJobInput> {
  const { input } = (given ?? {}) as { input?: unknown }
  assertPlainJson(input ?? null, 'input')
  const isRequest = typeof given === 'object' && given !== null && 'job' in given
  if (isRequest) return await fromRequest(store, projectId, parsed(RunJobRequest, given), asking)
  return parsed(RunJobInput, given)
}

function parsed<Schema extends z.ZodType>(schema: Schema, given: unknown): z.infer<Schema> {
  const result = schema.safeParse(given)
  if (result.success) return result.data
  const faults = fieldErrors(result.error, 'input').map(({ path, message }) => `${path} ${message}`)
  throw new AppError(
    'validation_failed',
    `The workflow was started with an input that is no run's: ${faults.join('; ').slice(0, 500)}`,
  )
}

const byTemporal: RunTrigger = { kind: 'temporal', interface_id: null, user_id: null, api_key_id: null }

/** The job and version that are meant, and an id that the same workflow always gets; the input as the job wants it. */
async function fromRequest(
  store: OpenRunStore,
  projectId: string,
  request: z.infer<typeof RunJobRequest>,
  { workflowId, firstExecutionRunId = '' }: AskingWorkflow,
): Promise<RunJobInput> {
  const job = await store.findJob(projectId, request.job, request.version)
  if (job === undefined)
    throw new AppError('not_found', 'The project has no such job, or no such version of it.')
  const error = compileSchema(job.definition.input_schema)(request.input, 'input')
  if (error !== undefined) throw new AppError('validation_failed', `${error.path} ${error.message}`)
  return {
    run_id: request.run_id ?? idFor(projectId, workflowId, firstExecutionRunId),
    job_id: job.id,
    version: job.version,
    input: request.input,
    trigger: request.trigger ?? byTemporal,
    body_hash: null,
    parent: request.parent ?? null,
    ...(request.call_chain === undefined ? {} : { call_chain: request.call_chain }),
  }
}

/** The same Idempotency-Key again, after Temporal forgot the first workflow: its answer, and no second effect. */
async function outcomeOfBefore(
  store: OpenRunStore,
  projectId: string,
  input: RunJobInput,
): Promise<RunOutcome> {
  const ended = await store.findEndedRun(projectId, input.run_id, input.job_id)
  if (ended === undefined) throw new AppError('not_found', 'The run belongs to another job or workflow.')
  if (ended.bodyHash !== input.body_hash)
    throw new AppError('idempotency_mismatch', 'The Idempotency-Key was used with another request.')
  return ended.outcome
}

/** A loop of a run, planned again from the job version that the run is pinned to. */
export async function openLoop(
  store: Pick<RunJobStore, 'definitionOfRun'>,
  projectId: string,
  runId: string,
  stepId: string,
): Promise<PlannedStep> {
  const definition = await store.definitionOfRun(projectId, runId)
  const { steps, finally: last = [] } = definition === undefined ? { steps: [] } : planJob(definition)
  const waiting = [...steps, ...last]
  for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) {
    if (step.id === stepId) return step
    waiting.push(...(step.steps ?? []))
  }
  throw new AppError('not_found', 'The run has no such step.')
}
