import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from '../harness.ts'
import { get, patch, post, remove } from '../setups.ts'
import { httpApi, startWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.stop())

test('002.15 a connector is created, read, listed, changed and deleted by who may, and by nobody else', async () => {
  const project = await world.createProject()
  const made = await post(
    world,
    project,
    '/api/connectors',
    httpApi({ name: 'shop', display_name: 'The shop' }),
  )
  expect(made).toMatchObject({
    status: 201,
    headers: { location: `/api/connectors/${made.body.id}` },
    body: {
      project_id: project.projectId,
      name: 'shop',
      display_name: 'The shop',
      kind: 'http_api',
      settings: { base_url: 'https://shop.example.com/api' },
      credential_id: null,
      has_credentials: false,
      is_active: true,
      is_shared: false,
      connectivity: { status: 'unknown', failures: 0, checked_at: null },
    },
  })
  const path = `/api/connectors/${made.body.id}`
  expect((await get(world, project, path)).body).toEqual(made.body)
  expect((await get(world, project, '/api/connectors')).body.items).toEqual([made.body])
  expect(await patch(world, project, path, { description: 'sells', is_active: false })).toMatchObject({
    status: 200,
    body: {
      name: 'shop',
      description: 'sells',
      is_active: false,
      settings: { base_url: 'https://shop.example.com/api' },
    },
  })
  for (const role of ['viewer', 'operator'] as const) {
    const person = await world.as(role, project)
    expect((await get(world, person, path)).status).toBe(200)
    expect((await post(world, person, '/api/connectors', httpApi())).status).toBe(403)
    expect((await patch(world, person, path, { is_active: true })).status).toBe(403)
    expect((await post(world, person, `${path}/shares`, { project_id: randomUUID() })).status).toBe(403)
    expect((await remove(world, person, path)).status).toBe(403)
  }
  expect((await remove(world, await world.as('admin', project), path)).status).toBe(204)
  expect((await get(world, project, path)).status).toBe(404)
})

test.each([
  ['001.21a', 'external_agent', { url: 'https://agent.example.com' }, 'bearer_token'],
  ['001.21b', 'datasource', { base_url: 'https://data.example.com' }, 'oauth2_client'],
  ['001.21c', 'tool', { url: 'https://tool.example.com' }, 'http_basic'],
  ['001.21d', 'llm', { base_url: 'https://llm.example.com/v1', model: 'small' }, 'api_key'],
  ['001.21e', 'database', {}, 'db_dsn'],
])(
  '%s the configuration of a system of kind %s names a credential of the project',
  async (_, kind, settings, type) => {
    const project = await world.createProject()
    const credential_id = world.broker.createCredential(project.projectId, type)
    const made = await world.createConnector(project, { kind, settings, credential_id })
    expect(made).toMatchObject({ kind, credential_id, has_credentials: false })
    const use = { project_id: project.projectId, run_id: randomUUID(), step_id: 'a' }
    expect((await world.bind(made.id, use)).body).toEqual({
      ...{ allowed: true, project_id: project.projectId, name: made.name, credential_id, sealed: null },
      version: expect.any(String),
    })
  },
)

test('a credential must be of the project, active and of a type that fits the kind', async () => {
  const [project, other] = [await world.createProject(), await world.createProject()]
  const vault = { extra: { as_type: 'bearer_token' } }
  const unfit = [
    world.broker.createCredential(other.projectId, 'bearer_token'),
    world.broker.createCredential(project.projectId, 'bearer_token', { is_active: false }),
    world.broker.createCredential(project.projectId, 'ssh'),
    world.broker.createCredential(project.projectId, 'vault_ref', { extra: { as_type: 'db_dsn' } }),
    randomUUID(),
  ]
  for (const credential_id of unfit)
    expect(await post(world, project, '/api/connectors', httpApi({ credential_id }))).toMatchObject({
      status: 422,
      body: { code: 'validation_failed', errors: [{ path: 'body.credential_id' }] },
    })
  const credential_id = world.broker.createCredential(project.projectId, 'vault_ref', vault)
  const { id } = await world.createConnector(project, { credential_id })
  expect(await patch(world, project, `/api/connectors/${id}`, { credential_id: unfit[0] })).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'body.credential_id' }] },
  })
})

test('002.10 002.12 credentials of its own are sealed by the broker for this row alone, and are in no answer, no row and no log line', async () => {
  const project = await world.createProject()
  const canary = `canary-${randomUUID()}`
  const credentials = { type: 'bearer_token', secret: canary }
  const made = await post(world, project, '/api/connectors', httpApi({ credentials }))
  const path = `/api/connectors/${made.body.id}`
  expect(made).toMatchObject({
    status: 201,
    body: { has_credentials: true, encryption_key_id: 'peer-key', credential_id: null },
  })
  const [sealed] = world.broker.sealed.slice(-1)
  expect(sealed).toMatchObject({ ...credentials, id: made.body.id, project_id: project.projectId })
  const answers = [
    made,
    await get(world, project, path),
    await get(world, project, '/api/connectors'),
    await get(world, project, `${path}/access-log`),
    await world.resolve(made.body.id, project.projectId),
    await patch(world, project, path, { description: 'x' }),
  ]
  for (const text of [canary, sealed?.ciphertext as string])
    expect(JSON.stringify(answers)).not.toContain(text)
  const { rows } = await world.owner.query(
    `SELECT c.*, convert_from(encrypted_credentials, 'UTF8') AS text, (SELECT json_agg(l) FROM interface_registry.connector_access_log l)
     FROM interface_registry.connectors c WHERE id = $1`,
    [made.body.id],
  )
  expect(rows).toMatchObject([{ text: sealed?.ciphertext, encryption_key_id: 'peer-key' }])
  expect(JSON.stringify(rows)).not.toContain(canary)
  expect(world.lines.join('')).toContain(made.body.id)
  expect(world.lines.join('')).not.toContain(canary)
  const use = { project_id: project.projectId, run_id: randomUUID(), step_id: 'a' }
  expect((await world.bind(made.body.id, use)).body).toMatchObject({
    sealed: { ciphertext: sealed?.ciphertext, key_id: 'peer-key' },
  })
})

test('what opens a connector is replaced, or taken away, and never both at once', async () => {
  const project = await world.createProject()
  const credential_id = world.broker.createCredential(project.projectId, 'bearer_token')
  const credentials = { type: 'bearer_token', secret: 'a secret' }
  const refused = await post(world, project, '/api/connectors', httpApi({ credential_id, credentials }))
  expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: 'body.credentials' }] } })
  const { id } = await world.createConnector(project, { credentials })
  const path = `/api/connectors/${id}`
  expect((await patch(world, project, path, { credential_id: null })).body).toMatchObject({
    has_credentials: true,
  })
  expect((await patch(world, project, path, { credential_id })).body).toMatchObject({
    credential_id,
    has_credentials: false,
  })
  expect((await patch(world, project, path, { credentials })).body).toMatchObject({
    credential_id: null,
    has_credentials: true,
  })
  expect((await patch(world, project, path, { credentials: null })).body).toMatchObject({
    ...{ credential_id: null, has_credentials: false, encryption_key_id: null },
  })
})

test('who may write connectors cannot have sealed credentials sent elsewhere: a new address needs them again', async () => {
  const project = await world.createProject()
  const credentials = { type: 'bearer_token', secret: 'a secret' }
  const { id } = await world.createConnector(project, { credentials })
  const path = `/api/connectors/${id}`
  const moved = { settings: { base_url: 'https://evil.example.com/api' } }
  expect(await patch(world, project, path, moved)).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'body.credentials' }] },
  })
  const headed = { settings: { base_url: 'https://shop.example.com/api', headers: { accept: 'text/csv' } } }
  expect((await patch(world, project, path, headed)).status).toBe(200)
  expect(await patch(world, project, path, { ...moved, credentials })).toMatchObject({
    status: 200,
    body: moved,
  })
})

test('a kind that cannot do without keeps what opens it', async () => {
  const project = await world.createProject()
  const database = httpApi({ kind: 'database', settings: {} })
  expect(await post(world, project, '/api/connectors', database)).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'body.credential_id' }] },
  })
  const credential_id = world.broker.createCredential(project.projectId, 'db_dsn')
  const { id } = await world.createConnector(project, { ...database, credential_id })
  expect(await patch(world, project, `/api/connectors/${id}`, { credential_id: null })).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'body.credential_id' }] },
  })
})

test.each([
  ['a base URL that is none', { settings: { base_url: 'shop' } }, 'body.settings.base_url'],
  ['no base URL', { settings: {} }, 'body.settings.base_url'],
  [
    'a header that authenticates',
    { settings: { base_url: 'https://a.example', headers: { authorization: 'x' } } },
    'body.settings.headers.authorization',
  ],
  [
    'a setting that its kind does not know',
    { settings: { base_url: 'https://a.example', password: 'x' } },
    'body.settings',
  ],
  [
    'settings without end',
    { settings: { base_url: 'https://a.example', x: 'x'.repeat(200_000) } },
    'body.settings',
  ],
  [
    'a schema that is none',
    { kind: 'tool', settings: { url: 'https://a.example', input_schema: { type: 7 } } },
    'body.settings.input_schema',
  ],
  ['a kind that there is not', { kind: 'fax' }, 'body.kind'],
  ['a name that is an id', { name: 'abcdef01-1234-4abc-8abc-abcdefabcdef' }, 'body.name'],
  ['a name with a dot', { name: 'a.b' }, 'body.name'],
  ['a name that is a template', { name: '{{ input.x }}' }, 'body.name'],
  [
    'a type of credentials that does not fit',
    { credentials: { type: 'ssh', secret: 'x' } },
    'body.credentials.type',
  ],
  [
    'credentials that the broker refuses',
    { credentials: { type: 'bearer_token' } },
    'body.credentials.secret',
  ],
  ['a field of nobody', { encrypted_credentials: 'x' }, 'body'],
  ['NUL', { description: 'a\0' }, 'body.description'],
])('%s is 422 naming it', async (_, more, path) => {
  const project = await world.createProject()
  expect(await post(world, project, '/api/connectors', httpApi(more))).toMatchObject({
    status: 422,
    body: { code: 'validation_failed', errors: [{ path }] },
  })
})

test('a name is taken once in a project, also by a change, and is free in another', async () => {
  const [project, other] = [await world.createProject(), await world.createProject()]
  await world.createConnector(project, { name: 'shop' })
  const { id } = await world.createConnector(project, { name: 'store' })
  const taken = { status: 409, body: { code: 'conflict', errors: [{ path: 'body.name' }] } }
  expect(await post(world, project, '/api/connectors', httpApi({ name: 'shop' }))).toMatchObject(taken)
  expect(await patch(world, project, `/api/connectors/${id}`, { name: 'shop' })).toMatchObject(taken)
  await world.createConnector(other, { name: 'shop' })
})

test('a connector of a project that was deleted meanwhile is 404', async () => {
  const project = await world.createProject()
  await world.owner.query('DELETE FROM api_key.projects WHERE id = $1', [project.projectId])
  expect(await post(world, project, '/api/connectors', httpApi())).toMatchObject({
    status: 404,
    body: { code: 'not_found' },
  })
})

test('lists come in pages, newest first, by kind and by how they are', async () => {
  const project = await world.createProject()
  for (const name of ['a', 'b', 'c']) await world.createConnector(project, { name })
  const llm = { kind: 'llm', settings: { base_url: 'https://llm.example.com', model: 'm' } }
  await world.createConnector(project, { name: 'd', ...llm })
  const first = await get(world, project, '/api/connectors?limit=3')
  const second = await get(world, project, `/api/connectors?limit=3&cursor=${first.body.next_cursor}`)
  expect([...first.body.items, ...second.body.items].map(({ name }) => name)).toEqual(['d', 'c', 'b', 'a'])
  expect(second.body.next_cursor).toBeNull()
  expect((await get(world, project, '/api/connectors?kind=llm')).body.items).toMatchObject([{ name: 'd' }])
  expect((await get(world, project, '/api/connectors?status=failing')).body.items).toEqual([])
  expect((await get(world, project, '/api/connectors?status=unknown')).body.items).toHaveLength(4)
  for (const query of ['kind=fax', 'cursor=x', 'limit=0', 'status=%00'])
    expect((await get(world, project, `/api/connectors?${query}`)).status).toBe(400)
})

test('each change is told to every process when it is committed', async () => {
  const project = await world.createProject()
  const client = await world.owner.connect()
  const told: string[] = []
  client.on('notification', ({ payload }) => told.push(payload ?? ''))
  await client.query('LISTEN opsconductor_events')
  const { id } = await world.createConnector(project)
  const path = `/api/connectors/${id}`
  const { projectId } = await world.createProject()
  await patch(world, project, path, { description: 'x' })
  await post(world, project, `${path}/shares`, { project_id: projectId })
  await remove(world, project, `${path}/shares/${projectId}`)
  await remove(world, project, path)
  const changes = () =>
    told.filter((text) => text === JSON.stringify({ topic: 'connector.changed', key: id }))
  await eventually(async () => (changes().length === 5 ? true : undefined))
  client.release(true)
})
