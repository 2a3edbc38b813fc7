import { z } from 'zod'
import { DisplayName, Id, Json, JsonSchema, PageQuery, Timestamp } from './fields.ts'
import { internalEndpoint } from './internal-endpoint.ts'
import { RunFailure, RunStatus, RunTrigger } from './run-job.ts'
import { CredentialReference } from './secrets-broker.ts'

/** A step's id is how templates name its result: `{{ steps.fetch.body }}`. */
export const StepId = z
  .string()
  .max(64)
  .regex(/^[a-z][a-z0-9_]*$/, 'must start with a letter and hold a-z, 0-9 and _')

export const Step = z
  .object({
    id: StepId,
    type: z.string().max(50),
    /** A credential of the same project, by id or name. */
    credential: CredentialReference.optional(),
    /** A credential of type x509 that is shown to targets that ask for a client certificate; beside `credential`. */
    client_certificate: CredentialReference.optional(),
    /** The bastions of the project, by name, that the target is reached through, from the nearest on. */
    via: z.array(DisplayName).min(1).max(8).optional(),
    /** The step type's input; strings in it may hold `{{ }}` templates. */
    input: z.record(z.string(), Json),
    timeout_seconds: z.number().int().min(1).max(3600).optional(),
    max_attempts: z.number().int().min(1).max(10).optional(),
  })
  .strict()
export type Step = z.infer<typeof Step>

export const JobDefinition = z
  .object({
    input_schema: JsonSchema.default({ type: 'object' }),
    steps: z.array(Step).min(1).max(500),
    /** Template of the run's output; without it the output is the last step's result. */
    output: Json.optional(),
  })
  .strict()
export type JobDefinition = z.infer<typeof JobDefinition>

/** Also the body of a PUT, which gives a job its next version: the whole definition again. */
export const CreateJob = JobDefinition.extend({
  name: DisplayName,
  description: z.string().max(2000).nullable().default(null),
}).strict()

export const Job = z.object({
  id: Id,
  project_id: Id,
  name: z.string(),
  description: z.string().nullable(),
  version: z.number().int(),
  definition: JobDefinition,
  created_at: Timestamp,
  updated_at: Timestamp,
})

export const StartRun = z
  .object({ input: Json.default({}), version: z.number().int().min(1).optional() })
  .strict()

export const RunStep = z.object({
  id: z.string(),
  step_id: z.string(),
  type: z.string(),
  status: RunStatus,
  attempt: z.number().int(),
  output: Json.nullable(),
  error: RunFailure.nullable(),
  started_at: Timestamp.nullable(),
  finished_at: Timestamp.nullable(),
})

export const Run = z.object({
  id: Id,
  job_id: Id,
  job_version: z.number().int(),
  project_id: Id,
  status: RunStatus,
  trigger: RunTrigger,
  input: Json,
  output: Json.nullable(),
  error: RunFailure.nullable(),
  created_at: Timestamp,
  started_at: Timestamp.nullable(),
  finished_at: Timestamp.nullable(),
})
export const RunWithSteps = Run.extend({ steps: z.array(RunStep) })

export const ListRuns = PageQuery.extend({ job_id: Id.optional(), status: RunStatus.optional() })

/** One target a project's steps may reach although it is denied by default (loopback, link-local, …). */
export const OutboundRule = z
  .object({
    /** An address or CIDR; the rule is checked on the resolved address of every connection. */
    cidr: z.string().max(60),
    ports: z.array(z.number().int().min(1).max(65_535)).min(1).max(100),
  })
  .strict()
export const OutboundPolicy = z.object({ allow: z.array(OutboundRule).max(200) }).strict()
export type OutboundPolicy = z.infer<typeof OutboundPolicy>

export const StepTypeDescription = z.object({
  type: z.string(),
  title: z.string(),
  risk: z.enum(['low', 'medium', 'high']),
  credential_types: z.array(z.string()),
  timeout_seconds: z.number().int(),
  input_schema: JsonSchema,
  output_schema: JsonSchema,
  examples: z.array(z.object({ title: z.string(), input: z.record(z.string(), Json) })),
})

/** A job as the registry publishes it. */
export const JobVersion = z.object({
  job_id: Id,
  project_id: Id,
  version: z.number().int(),
  name: z.string(),
  input_schema: JsonSchema,
})
export type JobVersion = z.infer<typeof JobVersion>

export const getJobVersionEndpoint = internalEndpoint({
  service: 'executor',
  callers: ['interface-registry'],
  method: 'get',
  path: '/internal/jobs/{id}',
  summary: 'One version of a job (the latest by default), and that a worker serves its project.',
  request: z.object({ project_id: Id, version: z.coerce.number().int().min(1).optional() }),
  answer: JobVersion,
})

// --- What the broker asks of a run before it lends --------------------------------------------------------------------

/** A run and the steps of the job version that it is pinned to. */
export const PinnedRun = z.object({
  run_id: Id,
  project_id: Id,
  job_id: Id,
  job_version: z.number().int(),
  status: RunStatus,
  /** `credentials`: each that the step needs, its bastions' too, by id or name. */
  steps: z.array(z.object({ id: z.string(), type: z.string(), credentials: z.array(z.string()) })),
})
export type PinnedRun = z.infer<typeof PinnedRun>

export const getPinnedRunEndpoint = internalEndpoint({
  service: 'executor',
  callers: ['secrets-broker'],
  method: 'get',
  path: '/internal/runs/{id}',
  summary: 'A run of any project, with the steps of its job version: what it may borrow credentials for.',
  request: z.object({}),
  answer: PinnedRun,
})

export const executorTopics = {
  /** key: the project's id. It has a job: every executor serves its namespace. */
  projectActive: 'executor.project_active',
  /** key: the project's id. */
  outboundPolicyChanged: 'executor.outbound_policy_changed',
} as const
