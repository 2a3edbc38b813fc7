import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { asProject, everyProject } from '../../src/acting-project.ts'
import { post } from '../setups.ts'
import { type ConnectorBody, type Project, startWorld, type World } from './world.ts'

let world: World
let owner: Project
let other: Project
let stranger: Project
let connector: ConnectorBody
beforeAll(async () => {
  world = await startWorld()
  owner = await world.createProject()
  other = await world.createProject()
  stranger = await world.createProject()
  connector = await world.createConnector(owner)
  await world.createConnector(owner)
  await post(world, owner, `/api/connectors/${connector.id}/shares`, { project_id: other.projectId })
  await world.owner.query(
    'INSERT INTO interface_registry.connector_states (connector_id) SELECT id FROM interface_registry.connectors',
  )
})
afterAll(() => world.stop())

const tables = ['connectors', 'connector_shares', 'connector_states', 'connector_access_log']
/** How many rows of each table a query without any condition sees. */
const countAs = (projectId: string) =>
  asProject(world.deps.pool, projectId, async (client) => {
    const counts = []
    for (const table of tables)
      counts.push((await client.query(`SELECT 1 FROM interface_registry.${table}`)).rowCount)
    return counts
  })
const denied = { code: '42501' }

test('002.14 a query that forgets its conditions sees the rows of its own project, those it was given, and no others', async () => {
  expect(await countAs(owner.projectId)).toEqual([2, 1, 2, 3])
  expect(await countAs(other.projectId)).toEqual([1, 1, 1, 0])
  expect(await countAs(stranger.projectId)).toEqual([0, 0, 0, 0])
  expect(await countAs(everyProject)).toEqual([2, 1, 2, 3])
})

test('002.14 a transaction that does not say for whom it acts sees nothing, also after one that did', async () => {
  for (const table of tables)
    expect((await world.deps.pool.query(`SELECT 1 FROM interface_registry.${table}`)).rowCount).toBe(0)
  await countAs(owner.projectId)
  for (const table of tables)
    expect((await world.deps.pool.query(`SELECT 1 FROM interface_registry.${table}`)).rowCount).toBe(0)
})

test.each([
  ['the project it was given to', () => other],
  ['a stranger', () => stranger],
])(
  '002.14 %s changes, deletes and shares nothing of another project, whatever it asks the database for',
  async (_, who) => {
    const { projectId } = who()
    const changed = (sql: string, ...values: unknown[]) =>
      asProject(world.deps.pool, projectId, async (client) => (await client.query(sql, values)).rowCount)
    expect(await changed('UPDATE interface_registry.connectors SET is_active = false')).toBe(0)
    expect(await changed('DELETE FROM interface_registry.connectors')).toBe(0)
    expect(await changed('DELETE FROM interface_registry.connector_shares')).toBe(0)
    expect(await changed("UPDATE interface_registry.connector_states SET status = 'ok'")).toBe(0)
    expect(await changed('DELETE FROM interface_registry.connector_states')).toBe(0)
    expect(
      (
        await asProject(world.deps.pool, projectId, (client) =>
          client.query('SELECT 1 FROM interface_registry.connectors FOR UPDATE'),
        )
      ).rowCount,
    ).toBe(0)
    const toSelf =
      'INSERT INTO interface_registry.connector_shares (connector_id, owner_project_id, project_id, created_by) VALUES ($1, $2, $3, $4)'
    await expect(
      changed(toSelf, connector.id, owner.projectId, stranger.projectId, 'x'),
    ).rejects.toMatchObject(denied)
    const state = 'INSERT INTO interface_registry.connector_states (connector_id) VALUES ($1)'
    await expect(changed(state, connector.id)).rejects.toMatchObject(denied)
    const foreign = `INSERT INTO interface_registry.connectors (project_id, name, display_name, kind, created_by) VALUES ($1, 'x', 'x', 'tool', 'x')`
    await expect(changed(foreign, owner.projectId)).rejects.toMatchObject(denied)
  },
)

test('002.14 a project cannot forge a share of a connector that is not its own by calling it its own', async () => {
  const share =
    'INSERT INTO interface_registry.connector_shares (connector_id, owner_project_id, project_id, created_by) VALUES ($1, $2, $2, $3)'
  await expect(
    asProject(world.deps.pool, stranger.projectId, (client) =>
      client.query(share, [connector.id, stranger.projectId, 'x']),
    ),
  ).rejects.toMatchObject({ code: expect.stringMatching(/^(42501|23503)$/) })
  expect(await countAs(stranger.projectId)).toEqual([0, 0, 0, 0])
})

test("002.14 the service's role cannot switch the policies off, and changes nothing that was logged", async () => {
  const { pool } = world.deps
  const { rows } = await pool.query(
    `SELECT rolsuper, rolbypassrls, (SELECT bool_or(tableowner = current_user) FROM pg_tables WHERE schemaname = 'interface_registry') AS owns
     FROM pg_roles WHERE rolname = current_user`,
  )
  expect(rows).toEqual([{ rolsuper: false, rolbypassrls: false, owns: false }])
  await expect(
    pool.query('ALTER TABLE interface_registry.connectors DISABLE ROW LEVEL SECURITY'),
  ).rejects.toMatchObject(denied)
  await expect(
    pool.query('DROP POLICY connectors_of_project ON interface_registry.connectors'),
  ).rejects.toMatchObject(denied)
  // Switched off, the policies are not passed by: a query that they would filter fails.
  await expect(
    asProject(pool, stranger.projectId, async (client) => {
      await client.query('SET LOCAL row_security = off')
      return client.query('SELECT 1 FROM interface_registry.connectors')
    }),
  ).rejects.toMatchObject(denied)
  for (const sql of [
    'UPDATE interface_registry.connector_access_log SET success = true',
    'DELETE FROM interface_registry.connector_access_log',
    'TRUNCATE interface_registry.connector_access_log',
  ])
    await expect(asProject(pool, everyProject, (client) => client.query(sql))).rejects.toMatchObject(denied)
})
