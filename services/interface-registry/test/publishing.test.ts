import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { testInternalKey } from '@opsconductor/test-peers'
import { type Answer, eventually, type Harness, send, startHarness } from './harness.ts'
import { get, jobWorkflow, patch, post, publishRun, remove } from './setups.ts'

let harness: Harness
beforeAll(async () => {
  harness = await startHarness()
})
afterAll(() => harness.stop())

type Project = Awaited<ReturnType<Harness['createProject']>>

const kong = (path: string) => send(harness.adminUrl + path)
const keyless = (url: string, method = 'POST') => send(url, { method })

async function published(
  more: Record<string, unknown> = {},
): Promise<{ project: Project; made: Answer['body'] }> {
  const project = await harness.createProject()
  const made = await publishRun(harness, project, await jobWorkflow(harness, project), more)
  return { project, made }
}

/** A row of the api-key service, bound to a public interface. */
async function storeKey(projectId: string, publicInterfaceId: string): Promise<string> {
  const unique = randomUUID()
  const { rows } = await harness.owner.query<{ id: string }>(
    `WITH holder AS (INSERT INTO api_key.users (email, display_name, password_hash) VALUES ($1, $1, 'none') RETURNING id)
     INSERT INTO api_key.api_keys (user_id, project_id, public_interface_id, name, key_hash, key_prefix)
     SELECT id, $2, $3, $1, $1, 'abcd' FROM holder RETURNING id`,
    [unique, projectId, publicInterfaceId],
  )
  return rows[0]?.id ?? ''
}

/** The interface once its public face is in the state. */
const inState = (project: Project, id: string, state: string) =>
  eventually(async () => {
    const { body } = await get(harness, project, `/api/interfaces/${id}`)
    return body.public_interface?.state === state ? body : undefined
  })

test('002.18 a job takes the update run, the query status and the signal cancel, and nothing else', async () => {
  const project = await harness.createProject()
  const path = `/api/workflows/${await jobWorkflow(harness, project)}/interfaces`
  const of = (interface_type: string, callable_name: string) => ({
    name: `${interface_type}-one`,
    interface_type,
    callable_name,
  })
  expect((await post(harness, project, path, of('update', 'run'))).status).toBe(201)
  expect((await post(harness, project, path, of('query', 'status'))).status).toBe(201)
  expect((await post(harness, project, path, of('signal', 'cancel'))).status).toBe(201)
  expect((await post(harness, project, path, of('event', 'run'))).status).toBe(422)
  expect(await post(harness, project, path, of('query', 'run'))).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'body.callable_name' }] },
  })
  expect(await post(harness, project, path, of('update', 'run'))).toMatchObject({
    status: 409,
    body: { errors: [{ path: 'body.name' }] },
  })
})

test("002.18 a run's input schema is the job's own where none is given; a schema that is none is refused by name", async () => {
  const project = await harness.createProject()
  const schema = { type: 'object', required: ['host'] }
  const workflow = await jobWorkflow(harness, project, schema)
  const made = await publishRun(harness, project, workflow, { is_public: false })
  expect(made).toMatchObject({ input_schema: schema, is_public: false, public_interface: null })
  const huge = await jobWorkflow(harness, project, { description: 'x'.repeat(70_000) })
  const taken = { name: 'run', interface_type: 'update', callable_name: 'run' }
  expect(await post(harness, project, `/api/workflows/${huge}/interfaces`, taken)).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'body.input_schema' }] },
  })
  const bad = {
    name: 'bad',
    interface_type: 'update',
    callable_name: 'run',
    output_schema: { type: 'no such type' },
  }
  expect(await post(harness, project, `/api/workflows/${workflow}/interfaces`, bad)).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'body.output_schema' }] },
  })
})

test('002.19 002.20 is_public makes the public interface and its Kong service, routes and tags; it is published when a call gets through', async () => {
  const { made } = await published({ http_method: 'PUT', http_path: '/web/v1.2/restart' })
  const { public_interface: face } = made
  expect(face).toMatchObject({
    state: 'published',
    last_error: null,
    http_method: 'PUT',
    http_path: '/web/v1.2/restart',
    auth_type: 'api_key',
    rate_limit_per_minute: null,
    url: `${harness.gatewayUrl}/api/v1/${face.hash}/web/v1.2/restart`,
  })
  expect(face.hash).toMatch(/^[0-9a-f]{32}$/)
  const service = await kong(`/services/oc-${face.id}`)
  expect(service.body).toMatchObject({
    retries: 0,
    read_timeout: 35_000,
    port: Number(new URL(harness.publicUrl).port),
  })
  const route = await kong(`/routes/oc-${face.id}-call`)
  expect(route.body).toMatchObject({
    id: face.kong_route_id,
    methods: ['PUT'],
    paths: [`~/api/v1/${face.hash}/web/v1\\.2/restart$`],
    strip_path: false,
    tags: ['opsconductor', `oc-interface:${face.id}`],
  })
  expect((await keyless(face.url, 'PUT')).body).toMatchObject({ code: 'missing_api_key' })
  // Whole segments only, one method only: anything else is Kong's own 404.
  for (const [url, method] of [
    [`${face.url}x`, 'PUT'],
    [`${face.url}/x`, 'PUT'],
    [face.url.replace('v1.2', 'v1x2'), 'PUT'],
    [face.url, 'POST'],
  ] as const)
    expect((await keyless(url, method)).body).toMatchObject({ message: 'no Route matched with those values' })
})

test('002.21 a change of method and path reaches Kong under the same address; the old path is gone', async () => {
  const { project, made } = await published()
  const changed = await patch(harness, project, `/api/interfaces/${made.id}`, {
    http_method: 'PATCH',
    http_path: '/moved',
  })
  expect(changed).toMatchObject({
    status: 200,
    body: {
      public_interface: {
        id: made.public_interface.id,
        hash: made.public_interface.hash,
        state: 'published',
        http_path: '/moved',
      },
    },
  })
  expect((await keyless(changed.body.public_interface.url, 'PATCH')).status).toBe(401)
  expect((await keyless(made.public_interface.url)).status).toBe(404)
  const key = project.createKey()
  const old = `${harness.publicUrl}/api/v1/${made.public_interface.hash}${made.public_interface.http_path}`
  expect((await send(old, { method: 'POST', headers: { 'x-api-key': key } })).status).toBe(404)
})

test('002.22 unpublishing and deleting take the Kong objects away; calls are refused at once', async () => {
  const first = await published()
  const withdrawn = await patch(harness, first.project, `/api/interfaces/${first.made.id}`, {
    is_public: false,
  })
  expect(withdrawn).toMatchObject({
    status: 200,
    body: { is_public: false, public_interface: { state: 'withdrawn', kong_route_id: null } },
  })
  const second = await published()
  expect((await remove(harness, second.project, `/api/interfaces/${second.made.id}`)).status).toBe(204)
  for (const { public_interface: face } of [first.made, second.made]) {
    expect((await kong(`/services/oc-${face.id}`)).status).toBe(404)
    expect((await kong(`/routes/oc-${face.id}-runs`)).status).toBe(404)
    expect((await keyless(face.url)).status).toBe(404)
    const direct = `${harness.publicUrl}/api/v1/${face.hash}${face.http_path}`
    expect((await keyless(direct)).body).toMatchObject({ code: 'not_found' })
  }
  expect((await get(harness, second.project, `/api/interfaces/${second.made.id}`)).status).toBe(404)
})

test('002.23 an interface that was withdrawn is published again at its old address, with its settings and the API keys bound to it', async () => {
  const { project, made } = await published({ http_method: 'PUT', rate_limit_per_minute: 60 })
  const face = made.public_interface
  const keyId = await storeKey(project.projectId, face.id)
  await patch(harness, project, `/api/interfaces/${made.id}`, { is_public: false })
  await patch(harness, project, `/api/interfaces/${made.id}`, { display_name: 'Resting' })
  const { body } = await patch(harness, project, `/api/interfaces/${made.id}`, { is_public: true })
  expect(body.public_interface).toEqual({ ...face, kong_route_id: expect.any(String) })
  expect((await keyless(face.url, 'PUT')).body).toMatchObject({ code: 'missing_api_key' })
  const keys = () => harness.owner.query('SELECT 1 FROM api_key.api_keys WHERE id = $1', [keyId])
  expect((await keys()).rowCount).toBe(1)
  await remove(harness, project, `/api/interfaces/${made.id}`)
  expect((await keys()).rowCount).toBe(0)
})

test('002.24 the rate limit is of the interface alone: full measure after publishing, then 429; changes and removal reach Kong', async () => {
  const { project, made } = await published({ rate_limit_per_minute: 3 })
  const other = await publishRun(harness, project, await jobWorkflow(harness, project))
  const plugins = async () => (await kong(`/services/oc-${made.public_interface.id}/plugins`)).body.data
  expect(await plugins()).toMatchObject([
    { name: 'rate-limiting', config: { minute: 3, limit_by: 'service', policy: 'local' } },
  ])
  const { url } = made.public_interface
  const statuses: number[] = []
  // The window is the clock's minute, so it may turn over once in between.
  for (let call = 0; call < 7; call++) statuses.push((await keyless(url)).status)
  expect(statuses.slice(0, 3)).toEqual([401, 401, 401])
  expect(statuses).toContain(429)
  expect((await keyless(other.public_interface.url)).status).toBe(401)
  await patch(harness, project, `/api/interfaces/${made.id}`, { rate_limit_per_minute: 1000 })
  expect(await plugins()).toMatchObject([{ config: { minute: 1000 } }])
  expect((await keyless(url)).status).toBe(401)
  await patch(harness, project, `/api/interfaces/${made.id}`, { rate_limit_per_minute: null })
  expect(await plugins()).toEqual([])
})

test('002.26 while Kong is down an interface is created, changed and withdrawn as pending; all is applied when Kong is back', async () => {
  const kept = await published()
  const gone = await published()
  const deleted = await published()
  await harness.stopGateway()
  const project = await harness.createProject()
  const made = await publishRun(harness, project, await jobWorkflow(harness, project))
  expect(made.public_interface).toMatchObject({
    state: 'pending',
    last_error: 'The gateway cannot be reached; the change is applied when it is back.',
    kong_route_id: null,
  })
  const changed = await patch(harness, kept.project, `/api/interfaces/${kept.made.id}`, {
    http_path: '/later',
  })
  expect(changed.body.public_interface).toMatchObject({ state: 'pending', http_path: '/later' })
  const leaving = await patch(harness, gone.project, `/api/interfaces/${gone.made.id}`, { is_public: false })
  expect(leaving.body.public_interface).toMatchObject({ state: 'withdrawing' })
  expect((await remove(harness, deleted.project, `/api/interfaces/${deleted.made.id}`)).status).toBe(204)
  expect((await send(`${harness.internalUrl}/readyz`)).status).toBe(200)
  const direct = `${harness.publicUrl}/api/v1/${gone.made.public_interface.hash}${gone.made.public_interface.http_path}`
  expect((await keyless(direct)).body).toMatchObject({ code: 'not_found' })

  // Empty, as a Kong that lost its database: what was published before is restored too.
  await harness.startGateway()
  const nowPublished = await inState(project, made.id, 'published')
  expect(nowPublished.public_interface.last_error).toBeNull()
  expect((await keyless(nowPublished.public_interface.url)).status).toBe(401)
  const moved = await inState(kept.project, kept.made.id, 'published')
  expect((await keyless(moved.public_interface.url)).status).toBe(401)
  await inState(gone.project, gone.made.id, 'withdrawn')
  for (const { made: left } of [gone, deleted])
    expect((await kong(`/services/oc-${left.public_interface.id}`)).status).toBe(404)
})

test('002.26 what somebody else deleted or edited in Kong is restored, and what carries our tag without a row is removed; the rest is left alone', async () => {
  const { project, made } = await published({ rate_limit_per_minute: 60 })
  const { id } = made.public_interface
  const admin = (method: string, path: string, body?: unknown) =>
    send(harness.adminUrl + path, { method, body })
  const orphan = '7d7f2a52-6f0a-4a6a-9a61-3a2f1d8f6c11'
  await admin('PUT', `/services/oc-${orphan}`, {
    host: '127.0.0.1',
    tags: ['opsconductor', `oc-interface:${orphan}`],
  })
  await admin('PUT', `/routes/oc-${orphan}-call`, {
    service: { name: `oc-${orphan}` },
    paths: ['/orphan'],
    tags: ['opsconductor', `oc-interface:${orphan}`],
  })
  await admin('PUT', '/services/theirs', { host: '127.0.0.1', tags: ['opsconductor-static'] })
  await admin('PATCH', `/services/oc-${id}`, { host: '192.0.2.1' })
  await admin('DELETE', `/routes/oc-${id}-runs`)
  await admin('PATCH', `/routes/oc-${id}-call`, { hosts: ['elsewhere.example'] })
  const [plugin] = (await kong(`/services/oc-${id}/plugins`)).body.data
  await admin('PATCH', `/plugins/${plugin?.id}`, { config: { minute: 1_000_000 } })

  harness.deps.publisher.reconcileSoon()
  await eventually(async () => ((await kong(`/services/oc-${orphan}`)).status === 404 ? true : undefined))
  await eventually(async () => ((await kong(`/routes/oc-${id}-runs`)).status === 200 ? true : undefined))
  await inState(project, made.id, 'published')
  expect((await kong(`/services/oc-${id}`)).body).toMatchObject({ host: '127.0.0.1' })
  expect((await kong(`/services/oc-${id}/plugins`)).body.data).toMatchObject([{ config: { minute: 60 } }])
  expect((await kong(`/routes/oc-${id}-call`)).body).toMatchObject({ hosts: null })
  expect((await kong('/services/theirs')).status).toBe(200)
  expect((await kong(`/routes/oc-${orphan}-call`)).status).toBe(404)
})

test('a second replica publishes nothing while the first leads, and goes on when the first has gone', async () => {
  const own = await startHarness()
  const leaders = async () => {
    const locks = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
    return (await own.owner.query(locks)).rowCount
  }
  await eventually(async () => ((await leaders()) === 1 ? true : undefined))
  const second = await own.startReplica()
  try {
    const project = await own.createProject()
    const workflow = await jobWorkflow(own, project)
    // Asked of the second, published by whichever leads.
    const throughSecond = async (name: string) => {
      const made = await send(`${second.publicUrl}/api/workflows/${workflow}/interfaces`, {
        method: 'POST',
        headers: project.asOwner,
        body: { name, interface_type: 'update', callable_name: 'run', is_public: true },
      })
      return eventually(async () => {
        const { body } = await send(`${second.publicUrl}/api/interfaces/${made.body.id}`, {
          headers: project.asOwner,
        })
        return body.public_interface.state === 'published' ? body.public_interface.id : undefined
      })
    }
    // Each replica gives Kong its own address, which tells who wrote.
    const writtenPort = async (id: string) => {
      const { body } = await send(`${own.adminUrl}/services/oc-${id}`)
      return (body as unknown as { port: number }).port
    }
    const first = await throughSecond('first')
    expect(await writtenPort(first)).toBe(Number(new URL(own.publicUrl).port))
    expect(await leaders()).toBe(1)
    await own.stopRegistry()
    const next = await throughSecond('next')
    expect(await writtenPort(next)).toBe(Number(new URL(second.publicUrl).port))
  } finally {
    await second.stop()
    await own.stop()
  }
})

test('a face that does not reach us through the gateway stays pending and says so', async () => {
  const { project, made } = await published()
  // Somebody else's route takes the path over: higher priority, another answer.
  await send(`${harness.adminUrl}/services/thief`, { method: 'PUT', body: { host: '127.0.0.1', port: 9 } })
  await send(`${harness.adminUrl}/routes/thief`, {
    method: 'PUT',
    body: {
      service: { name: 'thief' },
      paths: [`~/api/v1/${made.public_interface.hash}/stolen$`],
      methods: ['POST'],
      regex_priority: 10,
    },
  })
  const { body } = await patch(harness, project, `/api/interfaces/${made.id}`, { http_path: '/stolen' })
  expect(body.public_interface).toMatchObject({
    state: 'pending',
    last_error: 'A call through the gateway does not reach the interface yet.',
  })
  await send(`${harness.adminUrl}/routes/thief`, { method: 'DELETE' })
  await inState(project, made.id, 'published')
})

test('http fields of an interface that is not public are 422, as are paths that a proxy could read differently', async () => {
  const { project, made } = await published()
  await patch(harness, project, `/api/interfaces/${made.id}`, { is_public: false })
  expect(await patch(harness, project, `/api/interfaces/${made.id}`, { http_path: '/x' })).toMatchObject({
    status: 422,
    body: { errors: [{ path: 'body.http_path' }] },
  })
  for (const http_path of ['/../x', '/a//b', '/a/', '/%2e', '/_runs/x', '/a b', '/.git', 'a', '/a?b'])
    expect(
      await patch(harness, project, `/api/interfaces/${made.id}`, { is_public: true, http_path }),
    ).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'body.http_path' }] },
    })
})

test('002.25 a hash that collides is drawn again; a generator that only collides is 503, never an overwrite', async () => {
  const hashes = ['a', 'a', 'b', ...'aaaaaaaaaaaaaaaaaaaa'].map((letter) => letter.repeat(32))
  const own = await startHarness({ newHash: () => hashes.shift() ?? 'f'.repeat(32) })
  try {
    const project = await own.createProject()
    const first = await publishRun(own, project, await jobWorkflow(own, project))
    const second = await publishRun(own, project, await jobWorkflow(own, project))
    expect(first.public_interface.hash).toBe('a'.repeat(32))
    expect(second.public_interface.hash).toBe('b'.repeat(32))
    const third = await post(own, project, `/api/workflows/${await jobWorkflow(own, project)}/interfaces`, {
      name: 'run',
      interface_type: 'update',
      callable_name: 'run',
      is_public: true,
    })
    expect(third).toMatchObject({ status: 503, body: { code: 'service_unavailable' } })
    expect((await get(own, project, `/api/interfaces/${first.id}`)).body.public_interface.hash).toBe(
      'a'.repeat(32),
    )
  } finally {
    await own.stop()
  }
})

test('the metrics count what was published', async () => {
  await published()
  const { body } = await send(`${harness.internalUrl}/metrics`, {
    headers: { 'x-internal-key': testInternalKey },
  })
  expect(String(body)).toMatch(/registry_gateway_settlements_total\{result="published"\} [1-9]/)
})
