import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from '../harness.ts'
import { startWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.stop())

const path = (id: string) => `/api/project-connectors/${id}`
const faults = (body: { errors: { path: string }[] }) => [...new Set(body.errors.map((error) => error.path))]
const stored = async (id: string) =>
  (await world.harness.owner.query('SELECT * FROM interface_registry.project_connectors WHERE id = $1', [id]))
    .rows[0]

test('002.32 a project connector is stored to the letter of the seed, and answered, listed on both sides, changed', async () => {
  const pair = await world.createPair()
  const created = await pair.create({ display_name: 'Adjust orders', auth_config: { allow_start: true } })
  expect(created).toMatchObject({
    status: 201,
    headers: { location: path(created.body.id) },
    body: {
      source_project_id: pair.sourceId,
      target_project_id: pair.targetId,
      target_service_id: pair.body.target_service_id,
      target_interface_id: pair.body.target_interface_id,
      name: pair.body.name,
      display_name: 'Adjust orders',
      visibility: 'private',
      auth_config: { allow_start: true, allowed_project_ids: [], call_seconds_max: 60 },
      has_secret_auth_config: false,
      is_active: true,
      state: 'ready',
    },
  })
  const { id } = created.body
  expect(await stored(id)).toMatchObject({
    nexus_endpoint_name: `oc-${id}`,
    nexus_service_name: 'opsconductor.v1',
    visibility: 'private',
    encrypted_auth_config: null,
    encryption_key_id: null,
  })
  const listed = async (as: Record<string, string>, direction: string) =>
    (await world.ask(as, 'GET', `/api/project-connectors?direction=${direction}`)).body.items.map((i) => i.id)
  expect(await listed(pair.asSource, 'outgoing')).toEqual([id])
  expect(await listed(pair.asSource, 'incoming')).toEqual([])
  expect(await listed(pair.asTarget, 'incoming')).toEqual([id])
  const changed = await world.ask(pair.asSource, 'PATCH', path(id), { description: 'new', is_active: false })
  expect(changed).toMatchObject({
    status: 200,
    body: {
      description: 'new',
      is_active: false,
      display_name: 'Adjust orders',
      auth_config: { allow_start: true },
    },
  })
  expect(await world.ask(pair.asSource, 'PATCH', path(id), {})).toMatchObject({
    status: 200,
    body: { description: 'new', is_active: false, auth_config: { allow_start: true } },
  })
})

test('a list is read page by page', async () => {
  const pair = await world.createPair()
  for (const name of ['one', 'two', 'three']) await pair.create({ name })
  const first = await world.ask(pair.asSource, 'GET', '/api/project-connectors?limit=2')
  expect(first.body.items.map(({ name }) => name)).toEqual(['three', 'two'])
  const rest = await world.ask(
    pair.asSource,
    'GET',
    `/api/project-connectors?limit=2&cursor=${first.body.next_cursor}`,
  )
  expect(rest.body).toMatchObject({ items: [{ name: 'one' }], next_cursor: null })
})

test('002.11 what is secret in the settings of a connector is sealed by the broker for its row, and in no answer and no other column', async () => {
  const pair = await world.createPair()
  const canary = `canary-${randomUUID()}`
  const created = await pair.create({ secret_auth_config: { token: canary } })
  expect(created.body).toMatchObject({ has_secret_auth_config: true })
  expect(world.broker.sealed.at(-1)).toMatchObject({
    project_id: pair.sourceId,
    table: 'interface_registry.project_connectors',
    id: created.body.id,
    plaintext: JSON.stringify({ token: canary }),
  })
  const row = await stored(created.body.id)
  expect(row).toMatchObject({ encryption_key_id: 'peer-key' })
  expect(row.encrypted_auth_config.toString()).toBe(world.broker.ciphertexts.at(-1))
  const kept = await world.ask(pair.asSource, 'PATCH', path(created.body.id), { display_name: 'other' })
  expect(kept.body).toMatchObject({ has_secret_auth_config: true })
  for (const seen of [created, row, kept, await pair.get(created.body.id)])
    expect(JSON.stringify(seen)).not.toContain(canary)
  const forgotten = await world.ask(pair.asSource, 'PATCH', path(created.body.id), {
    secret_auth_config: null,
  })
  expect(forgotten.body).toMatchObject({ has_secret_auth_config: false })
  expect(await stored(created.body.id)).toMatchObject({
    encrypted_auth_config: null,
    encryption_key_id: null,
  })
})

test('a connector is made only by an owner or admin of both projects; an API key decides nothing for another project', async () => {
  const pair = await world.createPair()
  const make = (as: Record<string, string>, body: object = pair.body) =>
    world.ask(as, 'POST', '/api/project-connectors', body)
  const both = (source: 'admin' | 'operator', target?: 'admin' | 'operator') =>
    world.createPerson(
      { projectId: pair.sourceId, role: source },
      ...(target === undefined ? [] : [{ projectId: pair.targetId, role: target }]),
    )
  const refused = { status: 403, body: { code: 'forbidden' } }
  expect(await make((await both('admin'))())).toMatchObject(refused)
  expect(await make((await both('admin', 'operator'))())).toMatchObject(refused)
  expect(await make((await both('operator', 'admin'))())).toMatchObject(refused)
  expect(
    await make((await both('admin'))(), { ...pair.body, target_project_id: randomUUID() }),
  ).toMatchObject(refused)
  const key = world.harness.keys.createKey({ projectId: pair.sourceId, scopes: ['manage:connectors'] })
  expect(await make({ 'x-api-key': key })).toMatchObject(refused)
  const made = await make((await both('admin', 'admin'))())
  expect(made.status).toBe(201)

  // Who may call and how is the target's matter, the rest is not.
  const ofSource = (await both('admin'))()
  for (const change of [{ visibility: 'public' }, { auth_config: { allow_start: true } }])
    expect(await world.ask(ofSource, 'PATCH', path(made.body.id), change)).toMatchObject(refused)
  expect(await world.ask(ofSource, 'PATCH', path(made.body.id), { is_active: false })).toMatchObject({
    status: 200,
  })
})

test('the project that is called sees the connector and may end it, but not change or test it', async () => {
  const pair = await world.createPair()
  const { id } = (await pair.create()).body
  const target = (await world.createPerson({ projectId: pair.targetId, role: 'admin' }))()
  expect(await world.ask(target, 'GET', path(id))).toMatchObject({ status: 200, body: { id } })
  expect(await world.ask(target, 'PATCH', path(id), { is_active: true })).toMatchObject({ status: 403 })
  expect(await world.ask(target, 'POST', `${path(id)}/test`)).toMatchObject({ status: 403 })
  expect(await world.ask(target, 'DELETE', path(id))).toMatchObject({ status: 204 })
  await eventually(async () => ((await pair.get(id)).status === 404 ? true : undefined))
})

test('who made, changed, tested and deleted a connector is in its log, which outlives it', async () => {
  const pair = await world.createPair()
  const { id, name } = (await pair.create()).body
  await world.ask(pair.asSource, 'PATCH', path(id), { is_active: false })
  await world.ask(pair.asSource, 'POST', `${path(id)}/test`)
  await world.ask(pair.asTarget, 'DELETE', path(id))
  await eventually(async () => ((await pair.get(id)).status === 404 ? true : undefined))
  const { body } = await world.ask(pair.asSource, 'GET', `${path(id)}/access-log`)
  const line = { connector_id: id, connector: name, success: true, used_by_project_id: pair.sourceId }
  expect(body.items).toMatchObject([
    { ...line, action: 'delete', used_by_project_id: pair.targetId },
    { ...line, action: 'test' },
    { ...line, action: 'update' },
    { ...line, action: 'create', actor: expect.stringMatching(/^user:/) },
  ])
})

test("another project's connector is 404 on every route, like one that is not there", async () => {
  const pair = await world.createPair()
  const { id } = (await pair.create({ visibility: 'public' })).body
  const projectId = await world.createProject()
  const stranger = (await world.createPerson({ projectId, role: 'owner' }))()
  for (const connectorId of [id, randomUUID()])
    for (const [method, more, body] of [
      ['GET', ''],
      ['PATCH', '', { is_active: false }],
      ['DELETE', ''],
      ['POST', '/test'],
      ['GET', '/access-log'],
    ] as const)
      expect({
        method,
        ...(await world.ask(stranger, method, path(connectorId) + more, body)),
      }).toMatchObject({ status: 404, body: { code: 'not_found' } })
  const listed = await world.ask(stranger, 'GET', '/api/project-connectors')
  expect(listed.body.items).toEqual([])
  const cursor = await world.ask(stranger, 'GET', `/api/project-connectors?cursor=${id}`)
  expect(cursor).toMatchObject({ status: 200, body: { items: [] } })
})

test('names with spaces, dots, unicode or 300 characters, and what is no field, are refused by name of the field', async () => {
  const pair = await world.createPair()
  const hostile = [
    'a b',
    'a.b',
    'größe',
    'a'.repeat(300),
    '',
    '-a',
    'A',
    'a_',
    'a--b',
    '../a',
    'a\nb',
    randomUUID(),
  ]
  for (const name of hostile) {
    const { status, body } = await pair.create({ name })
    expect({ name, status, faults: faults(body) }).toEqual({ name, status: 422, faults: ['body.name'] })
  }
  for (const [field, value] of [
    ['nexus_endpoint_name', 'mine'],
    ['source_project_id', randomUUID()],
    ['auth_config', { call_seconds_max: 1e9 }],
    ['auth_config', { allowed_project_ids: ['x'] }],
    ['auth_config', { own: true }],
    ['visibility', 'everyone'],
    ['secret_auth_config', { a: { b: 'c' } }],
  ] as const)
    expect(await pair.create({ [field]: value })).toMatchObject({ status: 422 })
  expect(await pair.create({ name: 'good' })).toMatchObject({ status: 201 })
  expect(await pair.create({ name: 'good' })).toMatchObject({ status: 409, body: { code: 'conflict' } })
})

test('the target must be another project, its workflow and an interface of that workflow', async () => {
  const pair = await world.createPair()
  const other = await world.createPair()
  const sibling = await world.expose(pair.asTarget)
  const own = await world.expose(pair.asSource)
  for (const [wrong, field] of [
    [{ target_project_id: pair.sourceId }, 'target_project_id'],
    [{ target_interface_id: other.body.target_interface_id }, 'target_interface_id'],
    [{ target_interface_id: own.interfaceId, target_service_id: own.serviceId }, 'target_interface_id'],
    [{ target_interface_id: randomUUID() }, 'target_interface_id'],
    [{ target_service_id: other.body.target_service_id }, 'target_service_id'],
    [{ target_interface_id: sibling.interfaceId }, 'target_service_id'],
  ] as const) {
    const { status, body } = await pair.create(wrong)
    expect({ status, faults: faults(body) }).toEqual({ status: 422, faults: [`body.${field}`] })
  }
})

test('002.33 a test of a connector makes a real round trip and says which part fails', async () => {
  const pair = await world.createPair('query')
  const { id } = (await pair.create()).body
  const run = () => world.ask(pair.asSource, 'POST', `${path(id)}/test`)
  const found = { latency_ms: 7, checked_at: new Date().toISOString() }
  const asked: unknown[] = []
  world.harness.executor.onConnectorTest(async (request) => {
    asked.push(request)
    return { ok: true, ...found }
  })
  expect(await run()).toMatchObject({ status: 200, body: { ok: true, latency_ms: 7 } })
  expect(asked).toEqual([{ project_id: pair.sourceId, connector_id: id, operation: 'query' }])
  const failed = { part: 'worker', code: 'call_no_worker', message: 'No worker serves the project.' } as const
  world.harness.executor.onConnectorTest(async () => ({ ok: false, ...found, ...failed }))
  expect((await run()).body).toMatchObject({ ok: false, ...failed })

  const held = await world.endpointOf(id)
  if (held !== undefined) await world.nexus.remove(held)
  expect((await run()).body).toMatchObject({ ok: false, part: 'endpoint', code: 'connector_not_ready' })
  await eventually(async () => ((await world.endpointOf(id)) === undefined ? undefined : true))
  await world.ask(pair.asSource, 'PATCH', path(id), { is_active: false })
  expect((await run()).body).toMatchObject({ ok: false, part: 'permission', code: 'call_not_allowed' })
})

test('the second wall: the service itself sees no connector of a project that it does not act for', async () => {
  const pair = await world.createPair()
  const { id } = (await pair.create()).body
  const { pool } = world.harness.deps
  const seenBy = async (projectId: string | null) => {
    const client = await pool.connect()
    try {
      await client.query('BEGIN')
      if (projectId !== null)
        await client.query("SELECT set_config('opsconductor.project_id', $1, true)", [projectId])
      const { rowCount } = await client.query(
        'SELECT 1 FROM interface_registry.project_connectors WHERE id = $1',
        [id],
      )
      const updated = await client.query(
        'UPDATE interface_registry.project_connectors SET is_active = true WHERE id = $1',
        [id],
      )
      return [rowCount, updated.rowCount]
    } finally {
      await client.query('ROLLBACK')
      client.release()
    }
  }
  expect(await seenBy(null)).toEqual([0, 0])
  expect(await seenBy(randomUUID())).toEqual([0, 0])
  expect(await seenBy(pair.sourceId)).toEqual([1, 1])
  expect(await seenBy(pair.targetId)).toEqual([1, 0])
})
