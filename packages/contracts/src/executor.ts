import { z } from 'zod'
import { ConnectorKind } from './connectors.ts'
import { DisplayName, HostPattern, Id, Json, JsonSchema, PageQuery, Timestamp } from './fields.ts'
import { internalEndpoint } from './internal-endpoint.ts'
import { JobDefinition } from './job-definition.ts'
import { RunFailure, RunStatus, RunTrigger, StepStatus } from './run-job.ts'

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
  /** In a loop: the item's index, as `17`, or `17.3` in a loop inside of it; null outside. */
  item: z.string().nullable(),
  type: z.string(),
  status: StepStatus,
  attempt: z.number().int(),
  output: Json.nullable(),
  error: RunFailure.nullable(),
  /** What a running step last said of how far it is. */
  progress: Json.nullable(),
  started_at: Timestamp.nullable(),
  finished_at: Timestamp.nullable(),
})

export const Run = z.object({
  id: Id,
  job_id: Id,
  job_version: z.number().int(),
  project_id: Id,
  /** The run that a step `job.run` started this one from. */
  parent_run_id: Id.nullable(),
  status: RunStatus,
  trigger: RunTrigger,
  input: Json,
  output: Json.nullable(),
  error: RunFailure.nullable(),
  created_at: Timestamp,
  started_at: Timestamp.nullable(),
  finished_at: Timestamp.nullable(),
})
/** The steps in the order of the job, at most 2,000 attempts of them. */
export const RunWithSteps = Run.extend({ steps: z.array(RunStep) })

/** A file of a run: written by a step, or a result that was too large to be one. */
export const Artefact = z.object({
  id: Id,
  run_id: Id,
  step_id: z.string(),
  item: z.string().nullable(),
  attempt: z.number().int(),
  name: z.string(),
  content_type: z.string(),
  bytes: z.number().int(),
  /** Of what is stored, in hex. */
  sha256: z.string(),
  /** True where a secret stood in it and was taken out. */
  redacted: z.boolean(),
  created_at: Timestamp,
})
export const ArtefactParams = z.object({ id: Id, artefactId: Id })

export const ListRuns = PageQuery.extend({ job_id: Id.optional(), status: RunStatus.optional() })

const OutboundPorts = z.array(z.number().int().min(1).max(65_535)).min(1).max(100)
/** An address or CIDR; held against the resolved address of every connection. */
const OutboundCidr = z.string().max(60)

/** One target a project's steps may reach although it is denied by default (loopback, link-local, …). */
export const OutboundRule = z.object({ cidr: OutboundCidr, ports: OutboundPorts }).strict()

/** Targets by address or by name; every port where none are named. A name is the one that a step connects to. */
export const OutboundTarget = z
  .object({ cidr: OutboundCidr.optional(), host: HostPattern.optional(), ports: OutboundPorts.optional() })
  .strict()
  .refine(({ cidr, host }) => (cidr === undefined) !== (host === undefined), 'must have either cidr or host')
export type OutboundTarget = z.infer<typeof OutboundTarget>

export const OutboundPolicy = z
  .object({
    allow: z.array(OutboundRule).max(200),
    /** Never reached, whatever else the policy says. */
    deny: z.array(OutboundTarget).max(200).optional(),
    /** Where it is given, nothing else is reached; what is denied by default still needs `allow`. */
    only: z.array(OutboundTarget).max(200).optional(),
    /** Hosts that may be spoken to over TLS 1.2; all others only over 1.3. */
    tls12_hosts: z.array(HostPattern).max(200).optional(),
  })
  .strict()
export type OutboundPolicy = z.infer<typeof OutboundPolicy>

export const StepTypeDescription = z.object({
  type: z.string(),
  title: z.string(),
  description: z.string(),
  /** How much harm a step of this type can do to its target. */
  risk: z.enum(['low', 'medium', 'high']),
  credential_types: z.array(z.string()),
  credential_required: z.boolean(),
  /** Whether the step may name a client certificate. */
  client_certificate: z.boolean(),
  /** The kinds of connectors that a step may name in place of an address and a credential. */
  connector_kinds: z.array(ConnectorKind),
  /** Whether its target can be reached through bastions. */
  via: z.boolean(),
  /** Whether the step has `steps` of its own. */
  loops: z.boolean(),
  /** Whether a failed attempt is repeated without being asked to. */
  retryable: z.boolean(),
  timeout_seconds: z.number().int(),
  input_schema: JsonSchema,
  output_schema: JsonSchema,
  examples: z.array(
    z.object({
      title: z.string(),
      /** The type of the credential that it is meant for. */
      credential_type: z.string().nullable(),
      input: z.record(z.string(), Json),
    }),
  ),
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
  /** `credentials`: each that the step needs, its bastions' too, by id or name; `connector` likewise. */
  steps: z.array(
    z.object({
      id: z.string(),
      type: z.string(),
      credentials: z.array(z.string()),
      connector: z.string().optional(),
    }),
  ),
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
  /** key: the project's id. It is in use: every executor serves its namespace. */
  projectActive: 'executor.project_active',
  /** key: the project's id. */
  outboundPolicyChanged: 'executor.outbound_policy_changed',
} as const
