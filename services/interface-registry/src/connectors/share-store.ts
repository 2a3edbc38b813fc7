import type pg from 'pg'

export interface ShareRecord {
  projectId: string
  createdBy: string
  createdAt: Date
}

const table = 'interface_registry.connector_shares'
const columns = 'project_id AS "projectId", created_by AS "createdBy", created_at AS "createdAt"'

export async function selectShares(client: pg.PoolClient, connectorId: string): Promise<ShareRecord[]> {
  const { rows } = await client.query<ShareRecord>(
    `SELECT ${columns} FROM ${table} WHERE connector_id = $1 ORDER BY created_at, project_id`,
    [connectorId],
  )
  return rows
}

/** Throws a foreign key violation where there is no such project. */
export async function insertShare(
  client: pg.PoolClient,
  share: { connectorId: string; ownerProjectId: string; projectId: string; createdBy: string },
): Promise<void> {
  await client.query(
    `INSERT INTO ${table} (connector_id, owner_project_id, project_id, created_by) VALUES ($1, $2, $3, $4)`,
    [share.connectorId, share.ownerProjectId, share.projectId, share.createdBy],
  )
}

/** Whether there was one. */
export async function removeShare(
  client: pg.PoolClient,
  connectorId: string,
  projectId: string,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `DELETE FROM ${table} WHERE connector_id = $1 AND project_id = $2`,
    [connectorId, projectId],
  )
  return rowCount === 1
}
