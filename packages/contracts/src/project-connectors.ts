import { z } from 'zod'
import { DisplayName, Id, Json, JsonSchema, PageQuery, ReferableSlug, Timestamp } from './fields.ts'
import { Workflow } from './interface-registry.ts'
import { internalEndpoint } from './internal-endpoint.ts'
import { runJobWorkflow } from './run-job.ts'

// A project connector is a call path from one project to another's service interface, carried by Temporal Nexus.

/**
 * Who may call beside the connector's own project: `private` the projects that are named, `shared` each project of which
 * an owner or admin is a member of the target project, `public` any project.
 */
export const Visibility = z.enum(['private', 'shared', 'public'])

export const ProjectConnectorAuth = z
  .object({
    /** Lets `project.start` begin the target's workflow anew. */
    allow_start: z.boolean().default(false),
    /** With `private`: the projects that may call too. */
    allowed_project_ids: z.array(Id.toLowerCase()).max(100).default([]),
    /** How long a call may take, at most. */
    call_seconds_max: z.number().int().min(5).max(86_400).default(60),
    /** Where a worker of the target project's own serves the calls; without it the executor does. */
    task_queue: z.string().min(1).max(255).optional(),
  })
  .strict()
export type ProjectConnectorAuth = z.infer<typeof ProjectConnectorAuth>

const projectConnectorFields = {
  display_name: DisplayName,
  description: z.string().max(2000).nullable(),
  visibility: Visibility,
  auth_config: ProjectConnectorAuth,
  /** The seed's `encrypted_auth_config`: sealed by the broker, in no answer. No call carries it. */
  secret_auth_config: z.record(z.string(), z.string().max(10_000)).nullable(),
}

export const CreateProjectConnector = z
  .object({
    name: ReferableSlug,
    display_name: DisplayName.optional(),
    description: projectConnectorFields.description.default(null),
    target_project_id: Id,
    /** The workflow of the target project, and one of its service interfaces. */
    target_service_id: Id,
    target_interface_id: Id,
    visibility: Visibility.default('private'),
    auth_config: ProjectConnectorAuth.prefault({}),
    secret_auth_config: projectConnectorFields.secret_auth_config.default(null),
  })
  .strict()

/** What is left out stays; `auth_config` is given whole. */
export const UpdateProjectConnector = z
  .object({ ...projectConnectorFields, is_active: z.boolean() })
  .partial()
  .strict()

export const projectConnectorStates = ['pending', 'ready', 'failed', 'deleting'] as const

export const ProjectConnector = z.object({
  id: Id,
  source_project_id: Id,
  target_project_id: Id,
  target_service_id: Id,
  target_interface_id: Id,
  name: z.string(),
  display_name: z.string(),
  description: z.string().nullable(),
  nexus_endpoint_name: z.string(),
  nexus_service_name: z.string(),
  visibility: Visibility,
  auth_config: ProjectConnectorAuth,
  has_secret_auth_config: z.boolean(),
  is_active: z.boolean(),
  /** `pending` until the Nexus endpoint is there; `failed` with `last_error` while it cannot be made. */
  state: z.enum(projectConnectorStates),
  last_error: z.string().nullable(),
  created_by: z.string(),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export type ProjectConnector = z.infer<typeof ProjectConnector>

export const ListProjectConnectors = PageQuery.extend({
  /** Those that call from this project (default), or those by which it is called. */
  direction: z.enum(['outgoing', 'incoming']).default('outgoing'),
})

/** Which part of a round trip failed. */
export const callParts = ['endpoint', 'worker', 'permission', 'target_workflow', 'schema', 'target'] as const
export const ProjectConnectorTest = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), latency_ms: z.number().int(), checked_at: Timestamp }),
  z.object({
    ok: z.literal(false),
    latency_ms: z.number().int(),
    checked_at: Timestamp,
    part: z.enum(callParts),
    code: z.string(),
    message: z.string(),
  }),
])

/** Nexus service and task queue that calls are served by, in the target project's namespace (packages/temporal/nexus). */
export const callService = { name: 'opsconductor.v1', taskQueue: runJobWorkflow.taskQueue } as const

// --- A call ---------------------------------------------------------------------------------------------------------

export const callOperations = ['call', 'signal', 'query', 'start'] as const
export const CallOperation = z.enum(callOperations)
export type CallOperation = z.infer<typeof CallOperation>

/** Calls of calls: a run that was called may call on, so many times, and never into a project that is waiting. */
export const callDepthMax = 5

/** What is called at the target, as the registry knows it. */
export const CallTarget = z.object({
  connector_id: Id,
  connector: z.string(),
  /** The project that calls; the connector may be another's. */
  source_project_id: Id,
  target_project_id: Id,
  nexus_endpoint_name: z.string(),
  nexus_service_name: z.string(),
  call_seconds_max: z.number().int(),
  interface_id: Id,
  interface_type: z.enum(['signal', 'query', 'update']),
  callable_name: z.string(),
  input_schema: JsonSchema.nullable(),
  output_schema: JsonSchema.nullable(),
  workflow: Workflow.pick({
    ...{ kind: true, job_id: true, job_version: true },
    ...{ workflow_type: true, task_queue: true, workflow_id: true },
  }),
})
export type CallTarget = z.infer<typeof CallTarget>

/** What a grant says, as the claims of a JWT (EdDSA). `aud` is the target project, `iss` is `opsconductor`. */
export const CallGrant = z.object({
  connector_id: Id,
  interface_id: Id,
  source_project_id: Id,
  target_project_id: Id,
  operation: CallOperation,
  run_id: z.string().max(255),
  step_id: z.string().max(100),
  /** Where the step stands in the loops around it; empty outside. */
  item: z.string().max(100),
  /** SHA-256 of the input as canonical JSON (RFC 8785), hex. */
  input_sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** The projects that wait for this call, from the first on; the source project is the last. */
  chain: z.array(Id).max(callDepthMax),
})
export type CallGrant = z.infer<typeof CallGrant>
export const grantIssuer = 'opsconductor'
export const grantType = 'opsconductor-call+jwt'

export const GrantRequest = CallGrant.pick({
  operation: true,
  run_id: true,
  step_id: true,
  item: true,
  input_sha256: true,
  chain: true,
})
  .extend({
    project_id: Id,
    /** One that is too long is refused as such. */
    chain: z.array(Id).max(callDepthMax + 1),
    /** How long the call may take at most; where the connector's `call_seconds_max` is less, that is what counts. */
    seconds: z.number().min(5).max(86_400),
  })
  .strict()

/** The same asked by a worker of the project's own, which names its runs as it likes. */
export const GrantForWorker = GrantRequest.omit({ project_id: true })
  .extend({
    run_id: z.string().min(1).max(240),
    item: CallGrant.shape.item.default(''),
    chain: GrantRequest.shape.chain.default([]),
  })
  .strict()

/** The registry's last word on who may call; refusals are audited. */
export const grantCallEndpoint = internalEndpoint({
  service: 'interface-registry',
  callers: ['executor'],
  method: 'post',
  path: '/internal/project-connectors/{reference}/grants',
  summary: 'Let one step of one run call through a project connector of its project, by name or id.',
  request: GrantRequest,
  answer: z.object({ grant: z.string(), expires_at: Timestamp, target: CallTarget }),
})

/** For the handler: whether a grant still holds. It has verified the signature. */
export const admitCallEndpoint = internalEndpoint({
  service: 'interface-registry',
  callers: ['executor'],
  method: 'post',
  path: '/internal/project-connectors/{id}/admit',
  summary: 'What a call through the connector may reach now, for the worker that serves it.',
  request: CallGrant.pick({ source_project_id: true, target_project_id: true, operation: true }).strict(),
  answer: z.discriminatedUnion('admitted', [
    z.object({ admitted: z.literal(false), reason: z.string() }),
    z.object({ admitted: z.literal(true), target: CallTarget }),
  ]),
})

export const grantKeysEndpoint = internalEndpoint({
  service: 'interface-registry',
  callers: ['executor'],
  method: 'get',
  path: '/internal/grants/jwks',
  summary: 'The public keys that grants are signed with, as a JWK set.',
  request: z.object({}),
  answer: z.object({ keys: z.array(z.record(z.string(), Json)) }),
})

/** A real round trip through a connector, without effect: for the registry, which has no worker. */
export const testProjectConnectorEndpoint = internalEndpoint({
  service: 'executor',
  callers: ['interface-registry'],
  method: 'post',
  path: '/internal/project-connector-tests',
  summary: 'Call through a project connector without effect, and say which part fails.',
  request: z.object({ project_id: Id, connector_id: Id, operation: CallOperation }).strict(),
  answer: ProjectConnectorTest,
})

// --- What was called ------------------------------------------------------------------------------------------------

export const breakerStates = ['closed', 'open', 'half_open'] as const
export const Breaker = z.object({
  connector_id: Id,
  state: z.enum(breakerStates),
  /** Failures in a row. */
  failures: z.number().int(),
  opened_at: Timestamp.nullable(),
  /** From when one call is let through to try. */
  retry_at: Timestamp.nullable(),
})
export type Breaker = z.infer<typeof Breaker>
export const Breakers = z.object({ items: z.array(Breaker) })

export const callOutcomes = ['running', 'succeeded', 'failed', 'cancelled', 'refused'] as const
/** One cross-project call, as both sides see it. */
export const ConnectorCall = z.object({
  id: Id,
  connector_id: Id,
  connector: z.string(),
  /** `source`: made by this project's run; `target`: served by this project. */
  side: z.enum(['source', 'target']),
  source_project_id: Id,
  target_project_id: Id,
  source_run_id: z.string(),
  source_step_id: z.string(),
  target_workflow_id: z.string().nullable(),
  operation: CallOperation,
  attempts: z.number().int(),
  outcome: z.enum(callOutcomes),
  error_code: z.string().nullable(),
  error_message: z.string().nullable(),
  latency_ms: z.number().int().nullable(),
  started_at: Timestamp,
  finished_at: Timestamp.nullable(),
})
export type ConnectorCall = z.infer<typeof ConnectorCall>
export const ListConnectorCalls = PageQuery.extend({
  connector_id: Id.optional(),
  run_id: z.string().max(255).optional(),
  side: z.enum(['source', 'target']).optional(),
})

export const projectConnectorTopics = {
  /** key: the connector's id. It was made, changed, taken back or deleted: forget what you know of it. */
  projectConnectorChanged: 'project_connector.changed',
} as const
