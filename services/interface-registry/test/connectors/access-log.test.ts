import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { get, patch, post, remove } from '../setups.ts'
import { startWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.stop())

test('002.16 whatever is done with a connector is in its log, by whom, and stays there when it is gone', async () => {
  const [project, other] = [await world.createProject(), await world.createProject()]
  const credential_id = world.broker.createCredential(project.projectId, 'bearer_token')
  const { id, name } = await world.createConnector(project, { credential_id })
  const path = `/api/connectors/${id}`
  const use = { project_id: other.projectId, run_id: randomUUID(), step_id: 'fetch' }
  await world.bind(id, use)
  await get(world, project, path)
  await patch(world, project, path, { description: 'x' })
  await post(world, project, `${path}/shares`, { project_id: other.projectId })
  await world.bind(id, use)
  await remove(world, project, `${path}/shares/${other.projectId}`)
  await remove(world, project, path)
  const { status, body } = await get(world, project, `${path}/access-log`)
  const person = { actor: expect.stringMatching(/^user:/), connector_id: id, connector: name, success: true }
  expect([status, body.items]).toEqual([
    200,
    [
      expect.objectContaining({ ...person, action: 'delete' }),
      expect.objectContaining({ ...person, action: 'unshare', reason: `project ${other.projectId}` }),
      expect.objectContaining({
        ...{ action: 'use', actor: 'secrets-broker', used_by_project_id: other.projectId, success: true },
        ...{ run_id: use.run_id, step_id: 'fetch' },
      }),
      expect.objectContaining({ ...person, action: 'share' }),
      expect.objectContaining({ ...person, action: 'update' }),
      expect.objectContaining({ ...person, action: 'read' }),
      expect.objectContaining({ ...person, action: 'create', used_by_project_id: project.projectId }),
    ],
  ])
  const others = (await get(world, other, `${path}/access-log`)).body.items
  expect(others).toMatchObject([
    { action: 'use', success: true },
    { action: 'use', success: false, connector: id, reason: expect.stringContaining('no such connector') },
  ])
})

test('the log comes in pages, and of an id that there never was it is 404', async () => {
  const project = await world.createProject()
  const { id } = await world.createConnector(project)
  const path = `/api/connectors/${id}`
  for (const description of ['a', 'b']) await patch(world, project, path, { description })
  const first = await get(world, project, `${path}/access-log?limit=2`)
  const second = await get(world, project, `${path}/access-log?limit=2&cursor=${first.body.next_cursor}`)
  const actions = [...first.body.items, ...second.body.items].map(
    (item) => (item as unknown as { action: string }).action,
  )
  expect(actions).toEqual(['update', 'update', 'create'])
  expect(second.body.next_cursor).toBeNull()
  expect((await get(world, project, `/api/connectors/${randomUUID()}/access-log`)).status).toBe(404)
  for (const cursor of ['x', '-1', '9999999999999999999'])
    expect((await get(world, project, `${path}/access-log?cursor=${cursor}`)).status).toBe(400)
})

test('a refused change leaves no row, and without its row nothing is done or given', async () => {
  const project = await world.createProject()
  const credential_id = world.broker.createCredential(project.projectId, 'bearer_token')
  const { id } = await world.createConnector(project, { credential_id, name: 'shop' })
  const path = `/api/connectors/${id}`
  await post(world, project, '/api/connectors', {
    name: 'shop',
    kind: 'http_api',
    settings: { base_url: 'https://a.example' },
  })
  const log = await get(world, project, `${path}/access-log`)
  expect(log.body.items).toHaveLength(1)
  await world.owner.query(
    'ALTER TABLE interface_registry.connector_access_log ADD CONSTRAINT broken CHECK (false) NOT VALID',
  )
  try {
    const use = { project_id: project.projectId, run_id: randomUUID(), step_id: 'a' }
    expect((await world.bind(id, use)).status).toBe(500)
    for (const answer of [
      await get(world, project, path),
      await patch(world, project, path, { name: 'other' }),
      await remove(world, project, path),
    ])
      expect(answer.status).toBe(500)
  } finally {
    await world.owner.query('ALTER TABLE interface_registry.connector_access_log DROP CONSTRAINT broken')
  }
  expect((await get(world, project, path)).body.name).toBe('shop')
})
