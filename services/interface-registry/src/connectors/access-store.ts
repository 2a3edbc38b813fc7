import type { ConnectorAccess, ListConnectorAccesses } from '@opsconductor/contracts'
import type pg from 'pg'
import type { z } from 'zod'

export interface NewAccess {
  connectorId: string
  /** The connector's name, or its id where the project knows no such connector. */
  connector: string
  /** Undefined where the project knows no such connector. */
  ownerProjectId: string | undefined
  /** Whose member, run or check it was. */
  usedByProjectId: string
  actor: string
  action: z.infer<typeof ConnectorAccess>['action']
  runId?: string | undefined
  stepId?: string | undefined
  /** Why it was refused, or what it was for; undefined where there is nothing to say. */
  reason?: string | undefined
  success: boolean
  /** False where the project that asked must not learn that there is such a connector: only the owner sees the line. */
  isKnownToAsker?: boolean | undefined
}

export interface AccessRecord {
  id: string
  connectorId: string | null
  connector: string
  usedByProjectId: string
  actor: string
  action: NewAccess['action']
  runId: string | null
  stepId: string | null
  success: boolean
  reason: string | null
  createdAt: Date
}

const table = 'interface_registry.connector_access_log'

/** In the transaction of what it tells of. */
export async function insertAccess(client: pg.PoolClient, access: NewAccess): Promise<void> {
  await client.query(
    `INSERT INTO ${table} (connector_id, connector, owner_project_id, used_by_project_id, actor, action, run_id, step_id,
       success, reason, known_to_asker) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      ...[access.connectorId, access.connector, access.ownerProjectId ?? null, access.usedByProjectId],
      ...[access.actor, access.action, access.runId ?? null, access.stepId ?? null],
      ...[access.success, access.reason ?? null, access.isKnownToAsker ?? true],
    ],
  )
}

/** Newest first, one more than asked for: all of the project's own connector, and its own uses of another's. */
export async function selectAccesses(
  client: pg.PoolClient,
  projectId: string,
  connectorId: string,
  { cursor, limit }: z.infer<typeof ListConnectorAccesses>,
): Promise<AccessRecord[]> {
  const { rows } = await client.query<AccessRecord>(
    `SELECT id, connector_id AS "connectorId", connector, used_by_project_id AS "usedByProjectId", actor, action,
       run_id AS "runId", step_id AS "stepId", success, reason, created_at AS "createdAt"
     FROM ${table} WHERE connector_id = $2
       AND (owner_project_id = $1 OR (known_to_asker AND used_by_project_id = $1))
       AND ($3::bigint IS NULL OR id < $3) ORDER BY id DESC LIMIT $4`,
    [projectId, connectorId, cursor ?? null, limit + 1],
  )
  return rows
}
