import { z } from 'zod'
import { Id, Json } from './fields.ts'

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
  kind: z.enum(['public_interface', 'api', 'schedule', 'project']),
  /** The public interface, user or API key behind it. */
  interface_id: Id.nullable().default(null),
  user_id: Id.nullable().default(null),
  api_key_id: Id.nullable().default(null),
})
export type RunTrigger = z.infer<typeof RunTrigger>

export const RunJobInput = z.object({
  run_id: Id,
  job_id: Id,
  version: z.number().int().min(1),
  input: Json,
  trigger: RunTrigger,
  /** SHA-256 (hex) of the caller's request body; null where the start was not a call. */
  body_hash: z.string().nullable(),
})
export type RunJobInput = z.infer<typeof RunJobInput>

export const RunJobCall = z.object({ body_hash: z.string() })
export type RunJobCall = z.infer<typeof RunJobCall>

export const runStatuses = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const
export const RunStatus = z.enum(runStatuses)
export type RunStatus = z.infer<typeof RunStatus>

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
  run_id: Id,
  status: RunStatus,
  /** The step that is running now. */
  step_id: z.string().nullable(),
  outcome: RunOutcome.nullable(),
})
export type RunProgress = z.infer<typeof RunProgress>
