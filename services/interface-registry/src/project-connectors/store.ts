import {
  callService,
  type PageQuery,
  type ProjectConnectorAuth,
  projectConnectorTopics,
  type Visibility,
} from '@opsconductor/contracts'
import { publishEvent } from '@opsconductor/events'
import type pg from 'pg'
import type { z } from 'zod'
import { asProject } from '../acting-project.ts'
import { endpointNameOf } from '../nexus-endpoints/plan.ts'

export interface ProjectConnectorFields {
  displayName: string
  description: string | null
  visibility: z.infer<typeof Visibility>
  authConfig: ProjectConnectorAuth
  isActive: boolean
}

export interface ProjectConnectorRecord extends ProjectConnectorFields {
  id: string
  sourceProjectId: string
  targetProjectId: string
  targetServiceId: string
  targetInterfaceId: string
  name: string
  nexusEndpointName: string
  nexusServiceName: string
  hasSecretAuthConfig: boolean
  state: 'pending' | 'ready' | 'failed' | 'deleting'
  lastError: string | null
  createdBy: string
  createdAt: Date
  updatedAt: Date
}

export type NewProjectConnector = Omit<ProjectConnectorFields, 'isActive'> &
  Pick<
    ProjectConnectorRecord,
    | 'id'
    | 'sourceProjectId'
    | 'targetProjectId'
    | 'targetServiceId'
    | 'targetInterfaceId'
    | 'name'
    | 'createdBy'
  >

/** As the broker answers it. */
export interface SealedText {
  ciphertext: string
  key_id: string
}

const table = 'interface_registry.project_connectors'
export const sealedTable = table

const columns = `id, source_project_id AS "sourceProjectId", target_project_id AS "targetProjectId",
  target_service_id AS "targetServiceId", target_interface_id AS "targetInterfaceId", name,
  display_name AS "displayName", description, nexus_endpoint_name AS "nexusEndpointName",
  nexus_service_name AS "nexusServiceName", visibility, auth_config AS "authConfig",
  encrypted_auth_config IS NOT NULL AS "hasSecretAuthConfig", is_active AS "isActive", state,
  last_error AS "lastError", created_by AS "createdBy", created_at AS "createdAt", updated_at AS "updatedAt"`

/** Tells whoever remembers the connector, and the leader, which keeps its Nexus endpoint. */
export const announceProjectConnector = (client: pg.ClientBase, id: string): Promise<void> =>
  publishEvent(client, { topic: projectConnectorTopics.projectConnectorChanged, key: id })

// The ciphertext is text to us, whatever it is made of.
const sealedColumns = (sealed: SealedText | null) =>
  sealed === null ? [null, null] : [Buffer.from(sealed.ciphertext, 'utf8'), sealed.key_id]

// What changes rows works in a transaction that acts for the calling project (`asProject`).

/** The wish for a connector. */
export async function insertProjectConnector(
  client: pg.PoolClient,
  fresh: NewProjectConnector,
  sealed: SealedText | null,
): Promise<ProjectConnectorRecord> {
  const { rows } = await client.query<ProjectConnectorRecord>(
    `INSERT INTO ${table} (id, source_project_id, target_project_id, target_service_id, target_interface_id, name,
       display_name, description, nexus_endpoint_name, nexus_service_name, visibility, auth_config,
       encrypted_auth_config, encryption_key_id, created_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING ${columns}`,
    [
      ...[fresh.id, fresh.sourceProjectId, fresh.targetProjectId, fresh.targetServiceId],
      ...[fresh.targetInterfaceId, fresh.name, fresh.displayName, fresh.description],
      ...[endpointNameOf(fresh.id), callService.name, fresh.visibility, fresh.authConfig],
      ...[...sealedColumns(sealed), fresh.createdBy],
    ],
  )
  return rows[0] as ProjectConnectorRecord
}

/** One that calls from the project or by which it is called; row-level security hides every other. */
export const selectProjectConnector = (
  pool: pg.Pool,
  projectId: string,
  id: string,
): Promise<ProjectConnectorRecord | undefined> =>
  asProject(pool, projectId, async (client) => {
    const { rows } = await client.query<ProjectConnectorRecord>(
      `SELECT ${columns} FROM ${table} WHERE id = $1 AND $2 IN (source_project_id, target_project_id)`,
      [id, projectId],
    )
    return rows[0]
  })

/** Newest first, one more than asked for. */
export const selectProjectConnectors = (
  pool: pg.Pool,
  projectId: string,
  { limit, cursor, direction }: PageQuery & { direction: 'outgoing' | 'incoming' },
): Promise<ProjectConnectorRecord[]> =>
  asProject(pool, projectId, async (client) => {
    const side = direction === 'outgoing' ? 'source_project_id' : 'target_project_id'
    const { rows } = await client.query<ProjectConnectorRecord>(
      `SELECT ${columns} FROM ${table}
       WHERE ${side} = $1
         AND ($2::uuid IS NULL OR (created_at, id) < (SELECT created_at, id FROM ${table} WHERE id = $2))
       ORDER BY created_at DESC, id DESC LIMIT $3`,
      [projectId, cursor ?? null, limit + 1],
    )
    return rows
  })

/** Changes what is given (of `sealed`, null too). Undefined where it is gone or being deleted. */
export async function changeProjectConnector(
  client: pg.PoolClient,
  id: string,
  fields: Partial<ProjectConnectorFields>,
  sealed: SealedText | null | undefined,
): Promise<ProjectConnectorRecord | undefined> {
  const [encrypted, keyId] = sealed === undefined ? [] : sealedColumns(sealed)
  const changes = Object.entries({
    display_name: fields.displayName,
    description: fields.description,
    visibility: fields.visibility,
    auth_config: fields.authConfig,
    is_active: fields.isActive,
    encrypted_auth_config: encrypted,
    encryption_key_id: keyId,
  }).filter(([, value]) => value !== undefined)
  const values = [id, ...changes.map(([, value]) => value)]
  const assignments = [...changes.map(([column], index) => `${column} = $${index + 2}`), 'updated_at = NOW()']
  if (fields.authConfig !== undefined) {
    values.push(fields.authConfig.task_queue ?? null)
    // Another task queue is another endpoint.
    const moved = `auth_config->>'task_queue' IS DISTINCT FROM $${values.length}::text`
    assignments.push(
      `state = CASE WHEN ${moved} THEN 'pending' ELSE state END`,
      'generation = generation + 1',
    )
  }
  const { rows } = await client.query<ProjectConnectorRecord>(
    `UPDATE ${table} SET ${assignments.join(', ')} WHERE id = $1 AND state <> 'deleting' RETURNING ${columns}`,
    values,
  )
  return rows[0]
}

/** From now on nothing calls through it; its endpoint and then the row are removed by the leader. */
export async function markDeleting(client: pg.PoolClient, id: string): Promise<void> {
  await client.query(
    `UPDATE ${table} SET state = 'deleting', last_error = NULL, is_active = false, generation = generation + 1,
       updated_at = NOW() WHERE id = $1`,
    [id],
  )
}

/** Where an interface belongs. */
export async function selectInterfacePlace(
  pool: pg.Pool,
  interfaceId: string,
): Promise<{ workflowId: string; projectId: string } | undefined> {
  const { rows } = await pool.query<{ workflowId: string; projectId: string }>(
    `SELECT w.id AS "workflowId", w.project_id AS "projectId" FROM interface_registry.service_interfaces i
     JOIN interface_registry.workflows w ON w.id = i.workflow_id WHERE i.id = $1`,
    [interfaceId],
  )
  return rows[0]
}
