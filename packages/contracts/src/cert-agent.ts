import { z } from 'zod'
import { Actor, Email, Failure, HttpsUrl } from './certificate-fields.ts'
import { OutboundPolicy } from './executor.ts'
import { DisplayName, Id, Json, PageQuery, Timestamp } from './fields.ts'
import { internalEndpoint } from './internal-endpoint.ts'

// What cert-agent does, whom it tells, and what it and other services ask of each other.

export const operationKinds = [
  'issue',
  'import',
  'renew',
  'deploy',
  'revoke',
  'discover',
  'probe',
  'batch',
  'export',
  'account',
  'check',
  'clean-up',
] as const
export const operationStates = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const
export const Operation = z.object({
  id: Id,
  project_id: Id,
  kind: z.enum(operationKinds),
  batch_id: Id.nullable(),
  certificate_id: Id.nullable(),
  server_id: Id.nullable(),
  actor: Actor,
  state: z.enum(operationStates),
  /** `{ step, done, total }`, as far as they are known. */
  progress: z.record(z.string(), Json),
  result: Json.nullable(),
  error: Failure.nullable(),
  status_url: z.string(),
  created_at: Timestamp,
  started_at: Timestamp.nullable(),
  finished_at: Timestamp.nullable(),
})
export type Operation = z.infer<typeof Operation>
export const ListOperations = PageQuery.extend({
  kind: z.enum(operationKinds).optional(),
  state: z.enum(operationStates).optional(),
  certificate_id: Id.optional(),
  server_id: Id.optional(),
  batch_id: Id.optional(),
})
export const CertificateBatch = z
  .object({
    action: z.enum(['renew', 'deploy']),
    certificate_ids: z.array(Id).min(1).max(1_000),
    /** For `deploy`: left out, wherever a virtual host names the certificate. */
    server_ids: z.array(Id).min(1).max(200).optional(),
    concurrency: z.number().int().min(1).max(20).default(5),
  })
  .strict()

export const AuditRow = z.object({
  id: z.string(),
  at: Timestamp,
  actor: Actor,
  action: z.string(),
  operation_id: Id.nullable(),
  certificate_id: Id.nullable(),
  server_id: Id.nullable(),
  outcome: z.enum(['succeeded', 'failed', 'refused']),
  detail: z.record(z.string(), Json),
})
export const ListAudit = z.object({
  limit: PageQuery.shape.limit,
  cursor: z.coerce.number('is not a cursor').int('is not a cursor').min(1).optional(),
  operation_id: Id.optional(),
  certificate_id: Id.optional(),
  server_id: Id.optional(),
})

/** Null: the key may manage every server that its scopes let it. */
export const ClientLimits = z.object({ server_ids: z.array(Id).max(1_000).nullable() }).strict()

export const CertificateNotifications = z
  .object({
    /** `secret`: a credential of type webhook_secret; the message is signed by the Standard Webhooks specification. */
    webhooks: z
      .array(
        z.object({ url: HttpsUrl, credential: z.string().min(1).max(255).nullable().default(null) }).strict(),
      )
      .max(10)
      .default([]),
    /** Slack-compatible incoming webhooks; their address is the secret, so it is a credential of type custom. */
    chats: z
      .array(z.object({ credential: z.string().min(1).max(255) }).strict())
      .max(10)
      .default([]),
    /** `credential`: of type smtp. */
    emails: z
      .object({ to: z.array(Email).min(1).max(20), credential: z.string().min(1).max(255) })
      .strict()
      .nullable()
      .default(null),
    /** Days before the end at which somebody is told. */
    expiry_days: z.array(z.number().int().min(0).max(365)).max(10).default([30, 14, 7, 3, 1]),
  })
  .strict()

export const ChallengeToken = z.object({
  token: z
    .string()
    .max(255)
    .regex(/^[A-Za-z0-9_-]+$/, 'is not a token'),
})

/** Every operation is one workflow: its argument is the operation's id, which is in its own id too. */
export const operationWorkflow = {
  type: 'runOperation',
  /** Of the platform, not of a project. */
  namespace: 'opsconductor-system',
  taskQueue: 'opsconductor-certificates',
  /** Signal: tries again what waits to be tried again. */
  wake: 'wake',
  /** Signal, to a batch: the operation with this id has ended, or has failed and will be tried again. */
  settled: 'settled',
} as const
export const operationWorkflowIdOf = (operationId: string): string => `operation-${operationId}`

export const certAgentTopics = {
  /** key: the operation's id. It went on or ended: who watches it looks again. */
  operationChanged: 'cert_agent.operation_changed',
} as const

/** The broker asks before it lends: a credential is lent to an operation that runs, and that names it. */
export const findOperationEndpoint = internalEndpoint({
  service: 'cert-agent',
  callers: ['secrets-broker'],
  method: 'get',
  path: '/internal/operations/{id}',
  summary: 'Whether an operation is under way, of which project, and which credentials it may borrow.',
  request: z.object({}),
  answer: z.object({ project_id: Id, running: z.boolean(), credentials: z.array(Id) }),
})

/** The next version of a credential that cert-agent keeps, or its first. */
export const keepCredentialEndpoint = internalEndpoint({
  service: 'secrets-broker',
  callers: ['cert-agent'],
  method: 'post',
  path: '/internal/secrets/kept-credentials',
  summary:
    'Keep the key of a certificate or of an account at a CA, as a credential of the project. Logged before it is answered.',
  request: z
    .object({
      project_id: Id,
      /** For which operation; in the access log. */
      operation_id: Id,
      /** Which it is; made with this id where it is not there yet, so that a repetition makes no second one. */
      credential_id: Id,
      name: DisplayName,
      type: z.enum(['x509', 'acme_account']),
      /** All is checked and answered, and nothing kept; `version` is what it has now, 0 where there is none. */
      dry_run: z.boolean().optional(),
      /** As for `POST /api/credentials`. */
      secret: z.record(z.string(), z.string().max(1_500_000)),
      extra: z.record(z.string(), Json),
    })
    .strict(),
  answer: z.object({
    credential_id: Id,
    version: z.number().int(),
    /** Of x509: the certificate, and its chain in order without the root. */
    certificate: z.string().nullable(),
    certificate_chain: z.string().nullable(),
  }),
})

/** What a connection of a project's may reach, and its bastions: executor's, because its steps go there too. */
export const findWayEndpoint = internalEndpoint({
  service: 'executor',
  callers: ['cert-agent'],
  method: 'post',
  path: '/internal/ways',
  summary: "The project's outbound policy, and the bastions that are named.",
  request: z.object({ project_id: Id, via: z.array(z.string().max(100)).max(5) }).strict(),
  answer: z.object({
    policy: OutboundPolicy,
    bastions: z.array(
      z.object({ name: z.string(), host: z.string(), port: z.number().int(), credential: z.string() }),
    ),
  }),
})
