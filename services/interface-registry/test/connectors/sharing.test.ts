import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { get, patch, post, remove } from '../setups.ts'
import { startWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.stop())

const useBy = ({ projectId }: { projectId: string }) => ({
  project_id: projectId,
  run_id: randomUUID(),
  step_id: 'a',
})

async function setUp() {
  const [owner, other, third] = await Promise.all([1, 2, 3].map(() => world.createProject()))
  if (!owner || !other || !third) throw new Error('no projects')
  const credential_id = world.broker.createCredential(owner.projectId, 'bearer_token')
  const connector = await world.createConnector(owner, { credential_id })
  const path = `/api/connectors/${connector.id}`
  const share = () => post(world, owner, `${path}/shares`, { project_id: other.projectId })
  return { owner, other, third, connector, path, share }
}

test("002.15 another project's connector does not exist: every route is 404 for it, and nothing of it is listed", async () => {
  const { owner, other, connector, path, share } = await setUp()
  const refused = async () => [
    await patch(world, other, path, { is_active: false }),
    await remove(world, other, path),
    await get(world, other, `${path}/shares`),
    await post(world, other, `${path}/shares`, { project_id: other.projectId }),
    await post(world, other, `${path}/shares`, { project_id: randomUUID() }),
    await remove(world, other, `${path}/shares/${owner.projectId}`),
    await post(world, other, `${path}/test`, {}),
  ]
  const unknown = await get(world, other, `/api/connectors/${randomUUID()}`)
  for (const answer of [
    ...(await refused()).slice(0, 3),
    await get(world, other, path),
    await get(world, other, `${path}/access-log`),
  ])
    expect([answer.status, answer.body.detail]).toEqual([404, unknown.body.detail])
  expect((await get(world, other, '/api/connectors')).body.items).toEqual([])
  expect((await world.resolve(connector.id, other.projectId)).status).toBe(404)
  expect((await world.resolve(connector.name, other.projectId)).status).toBe(404)
  expect((await world.bind(connector.id, useBy(other))).body).toMatchObject({ allowed: false })
  await share()
  const statuses = (await refused()).map(({ status }) => status)
  expect(statuses).toEqual([404, 404, 404, 422, 404, 404, 404])
  expect((await get(world, owner, path)).body).toMatchObject({ is_active: true })
})

test('002.17 a shared connector can be read and used by its id by the project it was given to, and by nobody else', async () => {
  const { owner, other, third, connector, path, share } = await setUp()
  expect(await share()).toMatchObject({ status: 201, body: { project_id: other.projectId } })
  const seen = { id: connector.id, project_id: owner.projectId, is_shared: true, credential_id: null }
  expect(await get(world, other, path)).toMatchObject({ status: 200, body: seen })
  expect((await get(world, other, '/api/connectors')).body.items).toMatchObject([seen])
  expect((await world.resolve(connector.id, other.projectId)).body).toMatchObject({
    ...{ id: connector.id, project_id: owner.projectId, has_credential: true },
  })
  expect((await world.resolve(connector.name, other.projectId)).status).toBe(404)
  expect((await world.bind(connector.id, useBy(other))).body).toMatchObject({
    ...{ allowed: true, project_id: owner.projectId, credential_id: connector.credential_id },
  })
  expect((await get(world, third, path)).status).toBe(404)
  expect((await world.bind(connector.id, useBy(third))).body).toMatchObject({ allowed: false })
})

test('002.17 a share that is taken back ends at once; so do all when the connector is deleted', async () => {
  const { owner, other, third, connector, path, share } = await setUp()
  await share()
  await post(world, owner, `${path}/shares`, { project_id: third.projectId })
  expect((await remove(world, owner, `${path}/shares/${other.projectId}`)).status).toBe(204)
  expect((await get(world, other, path)).status).toBe(404)
  expect((await world.resolve(connector.id, other.projectId)).status).toBe(404)
  expect((await world.bind(connector.id, useBy(other))).body).toMatchObject({ allowed: false })
  expect((await world.bind(connector.id, useBy(third))).body).toMatchObject({ allowed: true })
  expect((await remove(world, owner, `${path}/shares/${other.projectId}`)).status).toBe(404)
  expect((await get(world, owner, `${path}/shares`)).body.items).toMatchObject([
    { project_id: third.projectId },
  ])
  await remove(world, owner, path)
  expect((await world.bind(connector.id, useBy(third))).body).toMatchObject({ allowed: false })
})

test('a connector is shared with a project that there is, once, and not with its own', async () => {
  const { owner, path, share } = await setUp()
  const [first, second] = [await share(), await share()]
  expect([second.status, second.body]).toEqual([201, first.body])
  expect((await get(world, owner, `${path}/shares`)).body.items).toHaveLength(1)
  for (const project_id of [randomUUID(), owner.projectId, owner.projectId.toUpperCase(), 'x'])
    expect(await post(world, owner, `${path}/shares`, { project_id })).toMatchObject({
      status: 422,
      body: { code: 'validation_failed', errors: [{ path: 'body.project_id' }] },
    })
})

test('a project that is deleted takes its connectors and what it was given along', async () => {
  const { owner, other, path, share } = await setUp()
  await share()
  const own = await world.createConnector(other)
  await world.owner.query('DELETE FROM api_key.projects WHERE id = $1', [other.projectId])
  expect((await get(world, owner, `${path}/shares`)).body.items).toEqual([])
  const { rows } = await world.owner.query('SELECT 1 FROM interface_registry.connectors WHERE id = $1', [
    own.id,
  ])
  expect(rows).toEqual([])
})
