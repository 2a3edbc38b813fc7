import { projectConnectorTopics } from '@opsconductor/contracts'
import { publishEvent } from '@opsconductor/events'
import type pg from 'pg'
import { asProject, everyProject } from '../acting-project.ts'

export type EndpointState = 'pending' | 'ready' | 'failed' | 'deleting'

/** What a project connector says of its endpoint. */
export interface EndpointWish {
  id: string
  targetProjectId: string
  /** Null where the executor serves its calls. */
  taskQueue: string | null
  state: EndpointState
  generation: number
}

const table = 'interface_registry.project_connectors'
const columns = `id, target_project_id AS "targetProjectId", auth_config->>'task_queue' AS "taskQueue", state, generation`

export const selectWish = (pool: pg.Pool, id: string): Promise<EndpointWish | undefined> =>
  asProject(pool, everyProject, async (client) => {
    const { rows } = await client.query<EndpointWish>(`SELECT ${columns} FROM ${table} WHERE id = $1`, [id])
    return rows[0]
  })

export const selectWishes = (pool: pg.Pool): Promise<EndpointWish[]> =>
  asProject(pool, everyProject, async (client) => {
    const { rows } = await client.query<EndpointWish>(`SELECT ${columns} FROM ${table}`)
    return rows
  })

/** Says what became of the endpoint, unless the connector was changed meanwhile; whoever remembers it is told. */
export async function noteState(
  pool: pg.Pool,
  wish: EndpointWish,
  to: { state: EndpointState; lastError: string | null },
): Promise<boolean> {
  return asProject(pool, everyProject, async (client) => {
    const { rowCount } = await client.query(
      `UPDATE ${table} SET state = $4, last_error = $5
       WHERE id = $1 AND generation = $2 AND state = $3 AND (state, last_error) IS DISTINCT FROM ($4, $5)`,
      [wish.id, wish.generation, wish.state, to.state, to.lastError],
    )
    if (rowCount === 0) return false
    if (wish.state !== to.state)
      await publishEvent(client, { topic: projectConnectorTopics.projectConnectorChanged, key: wish.id })
    return true
  })
}

/** Forgets a connector that is being deleted and has no endpoint any more. */
export const removeDeleted = (pool: pg.Pool, id: string): Promise<void> =>
  asProject(pool, everyProject, async (client) => {
    await client.query(`DELETE FROM ${table} WHERE id = $1 AND state = 'deleting'`, [id])
  })

/** This platform's own id, drawn when first asked for. */
export async function selectInstallation(pool: pg.Pool): Promise<string> {
  await pool.query('INSERT INTO interface_registry.installation DEFAULT VALUES ON CONFLICT DO NOTHING')
  const { rows } = await pool.query<{ id: string }>('SELECT id FROM interface_registry.installation')
  return (rows[0] as { id: string }).id
}
