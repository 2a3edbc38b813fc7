import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { patch, remove } from '../setups.ts'
import { type ConnectorBody, type Project, startWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.stop())

const refusal = (reason: string) => ({
  status: 200,
  body: { allowed: false, reason: expect.stringContaining(reason) },
})
const useBy = ({ projectId }: Project) => ({ project_id: projectId, run_id: randomUUID(), step_id: 'a' })

async function setUp(): Promise<{ project: Project; connector: ConnectorBody }> {
  const project = await world.createProject()
  const credential_id = world.broker.createCredential(project.projectId, 'bearer_token')
  return { project, connector: await world.createConnector(project, { credential_id }) }
}

/** As the leader begins a check of a connector, so many seconds ago. */
async function beginCheck(connectorId: string, secondsAgo = 0): Promise<string> {
  const checkId = randomUUID()
  await world.owner.query(
    `INSERT INTO interface_registry.connector_states (connector_id, check_id, check_started_at) VALUES ($1, $2, now() - $3 * interval '1 second')
     ON CONFLICT (connector_id) DO UPDATE SET check_id = excluded.check_id, check_started_at = excluded.check_started_at`,
    [connectorId, checkId, secondsAgo],
  )
  return checkId
}

test('the executor learns of an active connector what it needs, by name or id, and nothing of what opens it', async () => {
  const { project, connector } = await setUp()
  const bare = await world.createConnector(project)
  const resolved = {
    ...{ id: connector.id, project_id: project.projectId, name: connector.name, kind: 'http_api' },
    ...{ settings: connector.settings, has_credential: true },
    version: expect.any(String),
  }
  for (const reference of [connector.id, connector.id.toUpperCase(), connector.name])
    expect(await world.resolve(reference, project.projectId)).toMatchObject({ status: 200, body: resolved })
  expect((await world.resolve(connector.name, project.projectId.toUpperCase())).body).toEqual(resolved)
  expect((await world.resolve(bare.id, project.projectId)).body).toMatchObject({ has_credential: false })
  for (const reference of [randomUUID(), 'nothing', '%20', 'a%00', `${'a'.repeat(300)}`])
    expect((await world.resolve(reference, project.projectId)).status).toBe(404)
  await patch(world, project, `/api/connectors/${connector.id}`, { is_active: false })
  expect((await world.resolve(connector.id, project.projectId)).status).toBe(404)
})

test('where a connector is and what opens it are of one version, and of another after each change', async () => {
  const { project, connector } = await setUp()
  const versions: unknown[] = []
  for (const base_url of ['https://shop.example.com/b', 'https://shop.example.com/c']) {
    await patch(world, project, `/api/connectors/${connector.id}`, { settings: { base_url } })
    const { version } = (await world.resolve(connector.id, project.projectId)).body as { version?: string }
    expect((await world.bind(connector.id, useBy(project))).body).toMatchObject({ allowed: true, version })
    versions.push(version)
  }
  expect(new Set(versions).size).toBe(2)
})

test('each endpoint answers the one service that it is for', async () => {
  const { project, connector } = await setUp()
  const { broker, executor } = world.serviceKeys
  expect((await world.bind(connector.id, useBy(project), executor)).status).toBe(403)
  expect((await world.bind(connector.id, useBy(project), 'nobody')).status).toBe(403)
  expect((await world.resolve(connector.id, project.projectId, broker)).status).toBe(403)
})

test('002.12 the broker is told what opens a connector while it is active, and why not otherwise', async () => {
  const { project, connector } = await setUp()
  const path = `/api/connectors/${connector.id}`
  expect(await world.bind(connector.id, useBy(project))).toMatchObject({
    status: 200,
    body: { allowed: true, credential_id: connector.credential_id, sealed: null },
  })
  await patch(world, project, path, { is_active: false })
  expect(await world.bind(connector.id, useBy(project))).toMatchObject(refusal('not active'))
  await patch(world, project, path, { is_active: true, credential_id: null })
  expect(await world.bind(connector.id, useBy(project))).toMatchObject(refusal('nothing that opens it'))
  await remove(world, project, path)
  expect(await world.bind(connector.id, useBy(project))).toMatchObject(refusal('no such connector'))
  expect((await world.bind('x', useBy(project))).status).toBe(404)
  expect((await world.bind(connector.id, { project_id: project.projectId })).status).toBe(422)
})

test('for a check what opens a connector is given only while that check is under way, in its own project', async () => {
  const { project, connector } = await setUp()
  const other = await world.createProject()
  await world.owner.query(
    `INSERT INTO interface_registry.connector_shares (connector_id, owner_project_id, project_id, created_by) VALUES ($1, $2, $3, 'x')`,
    [connector.id, project.projectId, other.projectId],
  )
  const bindFor = (check_id: string, { projectId } = project) =>
    world.bind(connector.id, { project_id: projectId, check_id })
  const none = refusal('No such check')
  expect(await bindFor(randomUUID())).toMatchObject(none)
  const check = await beginCheck(connector.id)
  expect(await bindFor(check)).toMatchObject({ body: { allowed: true } })
  expect(await bindFor(randomUUID())).toMatchObject(none)
  expect(await bindFor(check, other)).toMatchObject(none)
  const { rows } = await world.owner.query(
    'SELECT run_id, reason FROM interface_registry.connector_access_log WHERE connector_id = $1 AND success AND action = $2',
    [connector.id, 'use'],
  )
  expect(rows).toEqual([{ run_id: null, reason: `check ${check}` }])
  expect(await bindFor(await beginCheck(connector.id, 31))).toMatchObject(none)
})

test('a change of what is reached, or by what, forgets how it was found, and a check that is under way', async () => {
  const { project, connector } = await setUp()
  const path = `/api/connectors/${connector.id}`
  const check = await beginCheck(connector.id)
  await world.owner.query(
    "UPDATE interface_registry.connector_states SET status = 'ok', latency_ms = 7 WHERE connector_id = $1",
    [connector.id],
  )
  const { settings, is_active, check_every_seconds, credential_id } = connector
  const same = { settings, is_active, check_every_seconds, credential_id }
  for (const change of [{ display_name: 'Shop' }, same, { ...same, credentials: null }])
    expect((await patch(world, project, path, change)).body).toMatchObject({
      connectivity: { status: 'ok', latency_ms: 7 },
    })
  const headed = { ...settings, headers: { accept: 'text/csv' } }
  expect((await patch(world, project, path, { settings: headed })).body).toMatchObject({
    connectivity: { status: 'unknown', latency_ms: null },
  })
  expect(await world.bind(connector.id, { project_id: project.projectId, check_id: check })).toMatchObject(
    refusal('No such check'),
  )
  const other = world.broker.createCredential(project.projectId, 'bearer_token')
  const credentials = { type: 'bearer_token', secret: 'a secret' }
  for (const change of [
    { is_active: false },
    { check_every_seconds: 3600 },
    { credential_id: other },
    { credentials },
    { credentials },
    { credentials: null },
  ]) {
    await world.owner.query(
      "UPDATE interface_registry.connector_states SET status = 'ok' WHERE connector_id = $1",
      [connector.id],
    )
    const { body } = await patch(world, project, path, change)
    expect([change, body.connectivity?.status]).toEqual([change, 'unknown'])
  }
})
