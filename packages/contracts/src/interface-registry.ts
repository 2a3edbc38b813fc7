import { z } from 'zod'
import { DisplayName, Id, Json, JsonSchema, PageQuery, Slug, Timestamp } from './fields.ts'
import { internalEndpoint } from './internal-endpoint.ts'
import { RunFailure, RunStatus } from './run-job.ts'

/** What to expose: a job that the executor hosts, or a long-lived workflow of the project's own workers. */
export const CreateWorkflow = z.union([
  z.object({ name: Slug.optional(), job_id: Id, version: z.number().int().min(1).optional() }).strict(),
  z
    .object({
      name: Slug,
      workflow_type: z.string().min(1).max(255),
      task_queue: z.string().min(1).max(255),
      /** The one workflow execution that signals, queries and updates go to. */
      workflow_id: z.string().min(1).max(255),
    })
    .strict(),
])

export const Workflow = z.object({
  id: Id,
  project_id: Id,
  name: z.string(),
  kind: z.enum(['job', 'workflow']),
  job_id: Id.nullable(),
  job_version: z.number().int().nullable(),
  workflow_type: z.string(),
  task_queue: z.string(),
  workflow_id: z.string().nullable(),
  created_at: Timestamp,
  updated_at: Timestamp,
})

export const InterfaceType = z.enum(['signal', 'query', 'update'])
export const HttpMethod = z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])

/** Whole segments of unreserved characters (RFC 3986): nothing a regex route or a proxy could read differently. */
export const HttpPath = z
  .string()
  .max(500)
  .regex(/^(\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/, 'must be segments like /orders/create')
  .refine((path) => !path.startsWith('/_'), 'must not start with /_ (reserved)')

const Description = z.string().max(2000).nullable()
const RateLimit = z.number().int().min(1).max(1_000_000).nullable()

const PublicFace = z.object({
  http_method: HttpMethod.default('POST'),
  http_path: HttpPath.optional(),
  rate_limit_per_minute: RateLimit.default(null),
})

export const CreateInterface = z
  .object({
    name: Slug,
    display_name: DisplayName.optional(),
    description: Description.default(null),
    interface_type: InterfaceType,
    /** The Temporal signal, query or update name. For a job: `run` (update), `status` (query), `cancel` (signal). */
    callable_name: z.string().min(1).max(255),
    /** For a job's `run` it defaults to the job's own input schema. */
    input_schema: JsonSchema.nullable().default(null),
    output_schema: JsonSchema.nullable().default(null),
    is_public: z.boolean().default(false),
  })
  .extend(PublicFace.shape)
  .strict()

export const UpdateInterface = z
  .object({
    display_name: DisplayName,
    description: Description,
    input_schema: JsonSchema.nullable(),
    output_schema: JsonSchema.nullable(),
    is_public: z.boolean(),
    http_method: HttpMethod,
    http_path: HttpPath,
    rate_limit_per_minute: RateLimit,
  })
  .partial()
  .strict()

export const publishStates = ['pending', 'published', 'withdrawing', 'withdrawn'] as const
export type PublishState = (typeof publishStates)[number]
export const PublicInterface = z.object({
  id: Id,
  hash: z.string(),
  /**
   * `pending` until a call through the gateway was seen to reach this interface; `withdrawn` once the gateway has
   * forgotten it. Its address stays its own.
   */
  state: z.enum(publishStates),
  last_error: z.string().nullable(),
  url: z.string(),
  http_method: HttpMethod,
  http_path: z.string(),
  auth_type: z.string(),
  rate_limit_per_minute: z.number().int().nullable(),
  kong_route_id: z.string().nullable(),
})

export const ServiceInterface = z.object({
  id: Id,
  workflow_id: Id,
  name: z.string(),
  display_name: z.string(),
  description: z.string().nullable(),
  interface_type: InterfaceType,
  callable_name: z.string(),
  input_schema: JsonSchema.nullable(),
  output_schema: JsonSchema.nullable(),
  is_public: z.boolean(),
  /** Null for an interface that was never public. */
  public_interface: PublicInterface.nullable(),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export const ListInterfaces = PageQuery.extend({ workflow_id: Id.optional() })

/**
 * What a public call answers: 200 when the run ended well, 202 while it is still running. `run_id` is null where the
 * call went to a long-lived workflow. `error` and `step_id` are only told by the status of a run.
 */
export const CallAnswer = z.object({
  run_id: Id.nullable(),
  status: RunStatus,
  output: Json.optional(),
  error: RunFailure.optional(),
  /** The step that is running now. */
  step_id: z.string().nullable().optional(),
  status_url: z.string().optional(),
})
export type CallAnswer = z.infer<typeof CallAnswer>

export const ensureNamespaceEndpoint = internalEndpoint({
  service: 'interface-registry',
  callers: ['executor'],
  method: 'put',
  path: '/internal/projects/{id}/namespace',
  summary: 'The Temporal namespace of the project, made where it does not exist yet.',
  request: z.object({}).strict(),
  answer: z.object({ namespace: z.string() }),
})

/** Longer than the registry gives what is under way in a project that is deleted. */
export const retireNamespaceMsMax = 30_000
export const retireNamespaceEndpoint = internalEndpoint({
  service: 'interface-registry',
  callers: ['api-key'],
  method: 'delete',
  path: '/internal/projects/{id}/namespace',
  summary:
    'Before a project is deleted: nothing begins in it any more, what is under way ends, its interfaces go.',
  request: z.object({}).strict(),
  answer: z.object({ namespace: z.string() }),
})

export const findPublicInterfaceEndpoint = internalEndpoint({
  service: 'interface-registry',
  callers: ['api-key'],
  method: 'get',
  path: '/internal/public-interfaces/{id}',
  summary: 'Which project a public interface belongs to.',
  request: z.object({}),
  answer: z.object({ id: Id, project_id: Id }),
})

export const registryTopics = {
  /** key: the public interface's hash. */
  interfaceChanged: 'interface.changed',
} as const
