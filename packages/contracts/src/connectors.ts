import { z } from 'zod'
import { checkFaults } from './checks.ts'
import { DisplayName, Id, Json, PageQuery, ReferableSlug, Timestamp } from './fields.ts'
import { internalEndpoint } from './internal-endpoint.ts'
import { LentCredential, UseCredential } from './secrets-broker.ts'

// A connector names an external system once: where it is, and what opens it. Steps name the connector.

export const connectorKinds = [
  'http_api',
  'external_agent',
  'tool',
  'llm',
  'datasource',
  'database',
  'ssh_host',
  'snmp_device',
] as const
export const ConnectorKind = z.enum(connectorKinds)
export type ConnectorKind = z.infer<typeof ConnectorKind>

/**
 * What a step or a person names a connector by: the name of one of the project's own, or the id of an own or a shared
 * one. A name is never a UUID.
 */
export const ConnectorReference = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[A-Za-z0-9_-]+$/, 'must be the name or the id of a connector')

/** A credential of the connector's own, as `POST /api/credentials` takes it; it is in no answer. */
const OwnCredential = z
  .object({
    type: z.string().max(50),
    secret: z.union([z.string().max(1_000_000), z.record(z.string(), z.string().max(1_000_000))]).optional(),
    extra: z.record(z.string(), Json).default({}),
  })
  .strict()

const connectorFields = {
  name: ReferableSlug,
  display_name: DisplayName,
  description: z.string().max(2000).nullable(),
  /** Held against the kind's own schema. */
  settings: z.record(z.string(), Json),
  /** A credential of the project; not beside `credentials`. */
  credential_id: Id.nullable(),
  credentials: OwnCredential.nullable(),
  is_active: z.boolean(),
  /** How often its connectivity is checked; null: only on demand. */
  check_every_seconds: z.number().int().min(30).max(86_400).nullable(),
}

export const CreateConnector = z
  .object({
    ...connectorFields,
    kind: ConnectorKind,
    display_name: DisplayName.optional(),
    description: connectorFields.description.default(null),
    settings: connectorFields.settings.default({}),
    credential_id: Id.nullable().default(null),
    credentials: OwnCredential.nullable().default(null),
    is_active: z.boolean().default(true),
    check_every_seconds: connectorFields.check_every_seconds.default(300),
  })
  .strict()

/** What is left out stays; `settings` is given whole. */
export const UpdateConnector = z.object(connectorFields).partial().strict()

export const connectivityStatuses = ['ok', 'failing', 'unknown'] as const
/** What the last check of a connector found; never a secret. */
export const Connectivity = z.object({
  status: z.enum(connectivityStatuses),
  latency_ms: z.number().int().nullable(),
  checked_at: Timestamp.nullable(),
  last_success_at: Timestamp.nullable(),
  /** How many checks have failed since. */
  failures: z.number().int(),
  code: z.enum([...checkFaults, 'internal_error']).nullable(),
  reason: z.string().nullable(),
})
export type Connectivity = z.infer<typeof Connectivity>

export const Connector = z.object({
  id: Id,
  project_id: Id,
  name: z.string(),
  display_name: z.string(),
  description: z.string().nullable(),
  kind: ConnectorKind,
  settings: z.record(z.string(), Json),
  credential_id: Id.nullable(),
  /** Whether it has credentials of its own, and under which key they are encrypted. */
  has_credentials: z.boolean(),
  encryption_key_id: z.string().nullable(),
  is_active: z.boolean(),
  check_every_seconds: z.number().int().nullable(),
  connectivity: Connectivity,
  /** Whether it is another project's, shared with this one. */
  is_shared: z.boolean(),
  created_by: z.string(),
  created_at: Timestamp,
  updated_at: Timestamp,
})
export type Connector = z.infer<typeof Connector>

export const ListConnectors = PageQuery.extend({
  kind: ConnectorKind.optional(),
  status: z.enum(connectivityStatuses).optional(),
})

/** Lets another project's steps use the connector, until it is taken back. */
export const ShareConnector = z.object({ project_id: Id }).strict()
export const ConnectorShare = z.object({ project_id: Id, created_by: z.string(), created_at: Timestamp })
export const ConnectorShares = z.object({ items: z.array(ConnectorShare) })

export const connectorActions = [
  'create',
  'read',
  'update',
  'delete',
  'share',
  'unshare',
  'test',
  'use',
] as const
/** One access to a connector; the log outlives the connector. */
export const ConnectorAccess = z.object({
  id: z.string(),
  connector_id: Id.nullable(),
  connector: z.string(),
  action: z.enum(connectorActions),
  /** A person, an API key or a service. */
  actor: z.string(),
  /** Whose run or member it was. */
  used_by_project_id: Id,
  run_id: Id.nullable(),
  step_id: z.string().nullable(),
  success: z.boolean(),
  reason: z.string().nullable(),
  created_at: Timestamp,
})
export const ListConnectorAccesses = PageQuery.omit({ cursor: true }).extend({
  cursor: z
    .string()
    .regex(/^\d{1,18}$/, 'is not a cursor')
    .optional(),
})

/** `GET /api/monitoring/connectivity`: of every connector of the project, those shared with it too. */
export const MonitoredConnector = Connector.pick({
  id: true,
  project_id: true,
  name: true,
  display_name: true,
  kind: true,
  is_active: true,
  is_shared: true,
  connectivity: true,
})

/**
 * Another one after every change of the connector: what opens it is for the address that it had then, and must not be
 * sent to the one that it had before.
 */
const Version = z.string()

/** What a run needs to know of a connector; no credential. */
export const ResolvedConnector = z.object({
  id: Id,
  version: Version,
  project_id: Id,
  name: z.string(),
  kind: ConnectorKind,
  settings: z.record(z.string(), Json),
  has_credential: z.boolean(),
})
export type ResolvedConnector = z.infer<typeof ResolvedConnector>

export const resolveConnectorEndpoint = internalEndpoint({
  service: 'interface-registry',
  callers: ['executor'],
  method: 'get',
  path: '/internal/connectors/{reference}',
  summary: 'An active connector that the project owns or was given, by name or id.',
  request: z.object({ project_id: Id }),
  answer: ResolvedConnector,
})

/**
 * Who asks for the credential behind a connector: a step of a run, or a check that the registry began. Logged in the
 * registry before it is answered. `allowed` false: the connector is not active, not of the project, not shared with it,
 * or no such check is under way.
 */
export const bindConnectorEndpoint = internalEndpoint({
  service: 'interface-registry',
  callers: ['secrets-broker'],
  method: 'post',
  path: '/internal/connectors/{id}/bind',
  summary: 'What opens a connector, for the broker alone.',
  request: UseCredential,
  answer: z.discriminatedUnion('allowed', [
    z.object({ allowed: z.literal(false), reason: z.string() }),
    z.object({
      allowed: z.literal(true),
      version: Version,
      /** The connector's own project: whose credential it is. */
      project_id: Id,
      name: z.string(),
      credential_id: Id.nullable(),
      sealed: z.object({ ciphertext: z.string(), key_id: z.string() }).nullable(),
    }),
  ]),
})

/** Where the broker binds sealed credentials of connectors to. */
export const connectorsTable = 'interface_registry.connectors'

export const sealConnectorCredentialsEndpoint = internalEndpoint({
  service: 'secrets-broker',
  callers: ['interface-registry'],
  method: 'post',
  path: '/internal/secrets/connectors/{id}/seal',
  summary: "Check and encrypt a connector's own credentials.",
  request: OwnCredential.extend({ project_id: Id }),
  answer: z.object({ ciphertext: z.string(), key_id: z.string() }),
})

export const useConnectorEndpoint = internalEndpoint({
  service: 'secrets-broker',
  callers: ['executor'],
  method: 'post',
  path: '/internal/secrets/connectors/{id}/use',
  summary:
    'Lend what opens a connector to one step of one run, or to one check. Logged before it is answered.',
  request: UseCredential,
  answer: LentCredential.extend({ connector_version: Version }),
})
export type LentToConnector = z.infer<typeof useConnectorEndpoint.answer>

export const connectorTopics = {
  /** key: the connector's id. It was created, changed, shared, taken back or deleted: forget what you know of it. */
  connectorChanged: 'connector.changed',
  /** key: the connector's id. Its connectivity went from ok to failing or back. */
  connectivityChanged: 'connector.connectivity_changed',
} as const
