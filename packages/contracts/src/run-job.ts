import { z } from 'zod'
import { Id, Json, JsonSchema } from './fields.ts'

/** The Temporal face of the executor: what the registry, or any Temporal client, starts and asks. */
export const runJobWorkflow = {
  type: 'runJob',
  taskQueue: 'opsconductor-jobs',
  /** Update: waits for the run's end and answers RunOutcome. Argument: RunJobCall. Rejected (type `idempotency_mismatch`) where the call's body hash is not the run's. */
  update: 'run',
  /** Query: RunProgress, at once. */
  query: 'status',
  /** Signal: asks the run to stop. */
  signal: 'cancel',
} as const

/** A project's own Temporal namespace. */
export const namespaceOf = (projectId: string): string => `project-${projectId}`

/** A run's Temporal workflow id. */
export const workflowIdOf = (runId: string): string => `run-${runId}`

/** Who started a run, kept in its row and its workflow memo. */
export const RunTrigger = z.object({
  kind: z.enum(['public_interface', 'api', 'schedule', 'project', 'temporal', 'job', 'connector']),
  /** The public interface, user or API key behind it. */
  interface_id: Id.nullable().default(null),
  user_id: Id.nullable().default(null),
  api_key_id: Id.nullable().default(null),
  /** The call from another project behind it. */
  connector: z
    .object({ id: Id, source_project_id: Id, source_run_id: z.string().max(255) })
    .strict()
    .optional(),
})
export type RunTrigger = z.infer<typeof RunTrigger>

/** How deep `job.run` may nest runs. */
export const runDepthMax = 5

/** The projects that wait for this run, from the first on. */
const CallChain = z.array(Id).max(10)

/** The run that a step started another one from, and how many runs are above that one. */
const RunParent = z.object({ run_id: Id, depth: z.number().int().min(1).max(runDepthMax) }).strict()

/** The input of a run that was asked for by a call, by the registry or by another run. */
export const RunJobInput = z.object({
  run_id: Id,
  job_id: Id,
  version: z.number().int().min(1),
  input: Json,
  trigger: RunTrigger,
  /** SHA-256 (hex) of the caller's request body; null where the start was not a call. */
  body_hash: z.string().nullable(),
  parent: RunParent.nullish(),
  call_chain: CallChain.optional(),
})
export type RunJobInput = z.infer<typeof RunJobInput>

/**
 * What any Temporal client may start `runJob` with in a project's namespace: the job by id or name, in its latest
 * version. The run's id follows from the workflow's. The input is held against the job's schema.
 */
export const RunJobRequest = z
  .object({
    job: z.string().min(1).max(255),
    input: Json.default({}),
    version: z.number().int().min(1).optional(),
    /** These come with runs that a step `job.run` or another project starts. */
    run_id: Id.optional(),
    trigger: RunTrigger.optional(),
    parent: RunParent.optional(),
    call_chain: CallChain.optional(),
    /** What the output must fit: else the run fails with `invalid_answer`. */
    output_schema: JsonSchema.optional(),
  })
  .strict()
export type RunJobRequest = z.input<typeof RunJobRequest>

export const RunJobCall = z.object({ body_hash: z.string() })
export type RunJobCall = z.infer<typeof RunJobCall>

export const runStatuses = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const
export const RunStatus = z.enum(runStatuses)
export type RunStatus = z.infer<typeof RunStatus>
/** A step is skipped where its condition does not hold. */
export const StepStatus = z.enum([...runStatuses, 'skipped'])
export type StepStatus = z.infer<typeof StepStatus>

/** Why a run failed: a code of @opsconductor/errors, a text without secrets, the step where it happened. */
export const RunFailure = z.object({ code: z.string(), message: z.string(), step_id: z.string().nullable() })
export type RunFailure = z.infer<typeof RunFailure>

export const RunOutcome = z.discriminatedUnion('status', [
  z.object({ run_id: Id, status: z.literal('succeeded'), output: Json }),
  z.object({ run_id: Id, status: z.literal('failed'), error: RunFailure }),
  z.object({ run_id: Id, status: z.literal('cancelled'), error: RunFailure }),
])
export type RunOutcome = z.infer<typeof RunOutcome>

export const RunProgress = z.object({
  /** Null until the run has its row, where whoever started it did not name it. */
  run_id: Id.nullable(),
  status: RunStatus,
  /** The step that is running now. */
  step_id: z.string().nullable(),
  outcome: RunOutcome.nullable(),
})
export type RunProgress = z.infer<typeof RunProgress>
