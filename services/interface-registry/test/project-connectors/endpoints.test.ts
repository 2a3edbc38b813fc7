import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { callService, namespaceOf } from '@opsconductor/contracts'
import { ensureNamespace } from '@opsconductor/temporal'
import { testInternalKey } from '@opsconductor/test-peers'
import { findUnsettledEndpoints } from '../../src/nexus-endpoints/find-unsettled.ts'
import { endpointNameOf, planFor } from '../../src/nexus-endpoints/plan.ts'
import { eventually, send } from '../harness.ts'
import { type Pair, startWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ RECONCILE_SECONDS: '3600' })
})
afterAll(() => world.stop())

// Longer than the way to Temporal and the reconciler may wait for their next attempt.
const withinMs = 40_000
const gone = (connectorId: string) =>
  eventually(async () => ((await world.endpointOf(connectorId)) === undefined ? true : undefined), withinMs)

const ready = (pair: Pair, id: string, at?: string) =>
  eventually(async () => {
    const { state } = (await pair.get(id, at)).body as unknown as { state: string }
    return state === 'ready' || undefined
  }, withinMs)

const rowOf = async (id: string) =>
  (await world.harness.owner.query('SELECT * FROM interface_registry.project_connectors WHERE id = $1', [id]))
    .rows[0]

test("002.27 002.28 a project connector has a Nexus endpoint to its target's namespace; deleted, neither is left", async () => {
  const pair = await world.createPair()
  const { status, body } = await pair.create()
  expect({ status, body }).toMatchObject({
    status: 201,
    body: {
      state: 'ready',
      last_error: null,
      nexus_endpoint_name: `oc-${body.id}`,
      nexus_service_name: 'opsconductor.v1',
    },
  })
  expect(await world.endpointOf(body.id)).toMatchObject({
    namespace: namespaceOf(pair.targetId),
    taskQueue: callService.taskQueue,
    description: expect.stringContaining('OpsConductor'),
  })
  expect((await world.ask(pair.asSource, 'DELETE', `/api/project-connectors/${body.id}`)).status).toBe(204)
  await gone(body.id)
  await eventually(async () => ((await pair.get(body.id)).status === 404 ? true : undefined))
  expect((await pair.create()).status).toBe(201)
})

test('002.28 an endpoint that somebody else removed or led elsewhere is restored', async () => {
  const pair = await world.createPair()
  const ids: string[] = [(await pair.create()).body.id, (await pair.create({ name: 'other' })).body.id]
  const [removed, led] = await Promise.all(ids.map((id) => world.endpointOf(id)))
  if (removed === undefined || led === undefined) throw new Error('the endpoints were not made')
  await world.nexus.remove(removed)
  await ensureNamespace(world.temporal.connection, namespaceOf(pair.sourceId))
  await world.nexus.update(led, { ...led, namespace: namespaceOf(pair.sourceId), description: 'mine now' })
  world.harness.deps.endpoints.soon()
  for (const id of ids)
    await eventually(async () => {
      const held = await world.endpointOf(id)
      return held?.namespace === namespaceOf(pair.targetId) ? held : undefined
    })
  for (const id of ids) await ready(pair, id)
})

test('002.28 a connector that names another task queue has its endpoint led there', async () => {
  const pair = await world.createPair()
  const { id } = (await pair.create()).body
  const change = { auth_config: { task_queue: 'own' } }
  await world.ask(pair.asSource, 'PATCH', `/api/project-connectors/${id}`, change)
  await eventually(async () => ((await world.endpointOf(id))?.taskQueue === 'own' ? true : undefined))
  await ready(pair, id)
})

test("002.28 an endpoint of ours without a connector is removed; others', whatever they are named, are left and counted", async () => {
  const pair = await world.createPair()
  const connector = { id: randomUUID(), targetProjectId: pair.targetId }
  const foreign = { id: randomUUID(), targetProjectId: pair.targetId }
  const named = `orders-${randomUUID()}`
  await world.nexus.create(planFor(connector, await world.installation()))
  await world.nexus.create(planFor(foreign, randomUUID()))
  await world.nexus.create({ ...planFor(foreign, await world.installation()), name: named })
  world.harness.deps.endpoints.soon()
  await gone(connector.id)
  expect(await world.endpointOf(foreign.id)).toBeDefined()
  expect(await world.nexus.find(named)).toBeDefined()
  const { body } = await send(`${world.harness.internalUrl}/metrics`, {
    headers: { 'x-internal-key': testInternalKey },
  })
  expect(String(body)).toMatch(/registry_nexus_endpoints\{owner="other"\} [1-9]/)
  for (const name of [named, endpointNameOf(foreign.id)]) {
    const held = await world.nexus.find(name)
    if (held !== undefined) await world.nexus.remove(held)
  }
})

test('002.28 a project that is deleted takes its connectors with it, and their endpoints', async () => {
  const pair = await world.createPair()
  const { body } = await pair.create()
  await world.harness.owner.query('DELETE FROM api_key.projects WHERE id = $1', [pair.targetId])
  expect(await rowOf(body.id)).toBeUndefined()
  world.harness.deps.endpoints.soon()
  await gone(body.id)
})

test('002.28 an interface or workflow that is deleted takes its connectors and their endpoints with it at once', async () => {
  const pair = await world.createPair()
  const { body } = await pair.create()
  const path = `/api/interfaces/${pair.body.target_interface_id}`
  expect((await world.ask(pair.asTarget, 'DELETE', path)).status).toBe(204)
  expect((await pair.get(body.id)).status).toBe(404)
  await gone(body.id)
})

test('002.28 while Temporal is away a connector waits as pending and a deleted one as deleting; all is done when it is back', async () => {
  const pair = await world.createPair()
  const kept = await pair.create({ name: 'kept' })
  world.link.cut()
  const away = {
    state: 'pending',
    last_error: 'Temporal cannot be reached; the change is applied when it is back.',
  }
  const { status, body } = await pair.create({ name: 'late' })
  expect({ status, body }).toMatchObject({ status: 201, body: away })
  expect((await world.ask(pair.asSource, 'DELETE', `/api/project-connectors/${kept.body.id}`)).status).toBe(
    204,
  )
  expect((await pair.get(kept.body.id)).body).toMatchObject({ state: 'deleting', is_active: false })
  expect((await pair.create({ name: 'kept' })).body).toMatchObject({ code: 'conflict' })
  world.link.mend()
  await ready(pair, body.id)
  expect(await world.endpointOf(body.id)).toBeDefined()
  await gone(kept.body.id)
  await eventually(async () => ((await pair.get(kept.body.id)).status === 404 ? true : undefined))
}, 90_000)

test('002.28 a connector that became ready while all endpoints were listed is not taken for lost', async () => {
  const pair = await world.createPair()
  const { id } = (await pair.create()).body
  const listedBefore = { ...world.nexus, list: async () => [] }
  const { pool, events } = world.harness.deps
  const context = {
    ...{ pool, events, temporal: world.temporal, endpoints: listedBefore },
    installation: world.installation,
  }
  expect(await findUnsettledEndpoints(context)).not.toContain(id)
  expect((await rowOf(id)).state).toBe('ready')
})

test('002.28 an endpoint that was made although the registry fell before it noted so is taken as it is', async () => {
  const pair = await world.createPair()
  const { body } = await pair.create()
  const before = await world.endpointOf(body.id)
  await world.harness.owner.query(
    "UPDATE interface_registry.project_connectors SET state = 'pending' WHERE id = $1",
    [body.id],
  )
  world.harness.deps.endpoints.soon()
  await ready(pair, body.id)
  expect(await world.endpointOf(body.id)).toEqual(before)
})

test('002.28 when the replica that leads dies another one makes the endpoints, once', async () => {
  const own = await startWorld({ RECONCILE_SECONDS: '3600' })
  const second = await own.harness.startReplica()
  try {
    const pair = await own.createPair()
    const first = await pair.create({ name: 'first' }, second.publicUrl)
    expect(first.body).toMatchObject({ state: 'ready' })
    await own.harness.stopRegistry()
    const { body } = await pair.create({ name: 'second' }, second.publicUrl)
    await ready(pair, body.id, second.publicUrl)
    expect(await own.endpointOf(body.id)).toBeDefined()
    expect(await own.endpointOf(first.body.id)).toBeDefined()
  } finally {
    await second.stop()
    await own.stop()
  }
})
