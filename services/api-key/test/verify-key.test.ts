import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { generateApiKey } from '@opsconductor/auth'
import { reportKeyUseEndpoint, verifyKeyEndpoint } from '@opsconductor/contracts'
import { listenForEvents } from '@opsconductor/events'
import { createInternalClient, createServiceAuth, listen } from '@opsconductor/service-kit'
import { testInternalKey } from '@opsconductor/test-peers'
import { createApps } from '../src/app.ts'
import { readApiKeyConfig } from '../src/config.ts'
import { createDeps } from '../src/deps.ts'
import { type Headers, type RunningApiKey, send, startApiKey, testEnvironment } from './running-api-key.ts'

let service: RunningApiKey
beforeAll(async () => {
  service = await startApiKey()
})
afterAll(() => service.close())

type Person = Awaited<ReturnType<RunningApiKey['person']>>
let count = 0
const verify = (key: string) => service.internal.call(verifyKeyEndpoint, { key })
const report = (items: { key_id: string; used_at: string }[]) =>
  service.internal.call(reportKeyUseEndpoint, { items })
const isoAt = (at: number) => new Date(at).toISOString()

async function keyOf(person: Person, changes: object = {}): Promise<{ id: string; key: string }> {
  const body = { name: `key ${++count}`, ...changes }
  return (await service.ask('POST', '/api/keys', { headers: person.headers, body })).body
}
async function ownerOfProject() {
  const owner = await service.person()
  return { owner, projectId: await service.project({ [owner.id]: 'owner' }) }
}
async function lastUsedOf(id: string): Promise<string | undefined> {
  const { rows } = await service.owner.query('SELECT last_used_at FROM api_key.api_keys WHERE id = $1', [id])
  return rows[0].last_used_at?.toISOString()
}

test('a valid key is answered with what it opens', async () => {
  const { owner, projectId } = await ownerOfProject()
  const expires_at = isoAt(service.clock.at + 3_600_000)
  const { id, key } = await keyOf(owner, { scopes: ['manage:jobs'], expires_at })
  expect(await verify(key)).toEqual({
    valid: true,
    key_id: id,
    user_id: owner.id,
    project_id: projectId,
    public_interface_id: null,
    scopes: ['manage:jobs'],
    expires_at,
  })
})

test('a malformed key is refused without a database: only a well-formed one needs it', async () => {
  const config = readApiKeyConfig(
    testEnvironment({ DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none', LOG_LEVEL: 'silent' }),
  )
  const deps = await createDeps(config)
  const listening = await listen(createApps(deps).internalApp, '127.0.0.1', 0)
  const internal = createInternalClient({ urls: { 'api-key': listening.url }, key: testInternalKey })
  try {
    const { key } = generateApiKey()
    for (const malformed of ['', 'x', `${key}x`, key.slice(0, -1), key.toUpperCase(), ` ${key}`, 'ключ'])
      expect(await internal.call(verifyKeyEndpoint, { key: malformed })).toEqual({
        valid: false,
        code: 'malformed_api_key',
      })
    await expect(internal.call(verifyKeyEndpoint, { key })).rejects.toMatchObject({
      code: 'service_unavailable',
    })
  } finally {
    await internal.close()
    await listening.close()
    await deps.dispose()
  }
})

test('a well-formed key that nobody made is unknown', async () => {
  expect(await verify(generateApiKey().key)).toEqual({ valid: false, code: 'unknown_api_key' })
})

test('002.09 a key is refused from the moment it expires', async () => {
  const { owner } = await ownerOfProject()
  const { key } = await keyOf(owner, { expires_at: isoAt(service.clock.at + 1000) })
  service.clock.at += 999
  expect(await verify(key)).toMatchObject({ valid: true })
  service.clock.at += 1
  expect(await verify(key)).toEqual({ valid: false, code: 'expired_api_key' })
})

test('002.09 a key ends with the activity of its maker, and comes back with it', async () => {
  const admin = await service.person({ isPlatformAdmin: true })
  const { owner } = await ownerOfProject()
  const { key } = await keyOf(owner)
  const setActive = (is_active: boolean) =>
    service.ask('PATCH', `/api/users/${owner.id}`, { headers: admin.headers, body: { is_active } })
  await setActive(false)
  expect(await verify(key)).toEqual({ valid: false, code: 'revoked_api_key' })
  await setActive(true)
  expect(await verify(key)).toMatchObject({ valid: true })
})

test('002.09 a key ends for good with the membership of its maker', async () => {
  const [owner, member] = [await service.person(), await service.person()]
  const projectId = await service.project({ [owner.id]: 'owner', [member.id]: 'operator' })
  const { key } = await keyOf(member)
  const path = `/api/projects/${projectId}/members/${member.id}`
  await service.ask('DELETE', path, { headers: owner.headers })
  expect(await verify(key)).toEqual({ valid: false, code: 'revoked_api_key' })
  await service.ask('PUT', path, { headers: owner.headers, body: { role: 'operator' } })
  expect(await verify(key)).toEqual({ valid: false, code: 'revoked_api_key' })
})

test("002.09 a key cannot be made in the moment its maker's membership ends, to come back with the next one", async () => {
  const [owner, member] = [await service.person(), await service.person()]
  const projectId = await service.project({ [owner.id]: 'owner', [member.id]: 'operator' })
  const answer = await service.race({
    lock: 'DELETE FROM api_key.project_members WHERE project_id = $1 AND user_id = $2',
    values: [projectId, member.id],
    waiting: 1,
    work: () => service.ask('POST', '/api/keys', { headers: member.headers, body: { name: 'late' } }),
  })
  expect([answer.status, answer.body.code]).toEqual([404, 'not_found'])
})

test('a key loses its manage: scopes with the role of its maker', async () => {
  const [owner, admin] = [await service.person(), await service.person()]
  const projectId = await service.project({ [owner.id]: 'owner', [admin.id]: 'admin' })
  const { key } = await keyOf(admin, { scopes: ['manage:*'] })
  expect(await verify(key)).toMatchObject({ valid: true, scopes: ['manage:*'] })
  const path = `/api/projects/${projectId}/members/${admin.id}`
  await service.ask('PUT', path, { headers: owner.headers, body: { role: 'operator' } })
  expect(await verify(key)).toMatchObject({ valid: true, scopes: [] })
})

test('002.09 a service that remembers a key forgets it when the key is revoked or replaced, or its maker changes', async () => {
  const admin = await service.person({ isPlatformAdmin: true })
  const { owner } = await ownerOfProject()
  const auth = createServiceAuth({
    internal: service.internal,
    listener: () => listener,
    log: service.deps.log,
  })
  let heard = () => {}
  const gap = new Promise<void>((resolve) => {
    heard = resolve
  })
  const listener = listenForEvents({
    connectionString: service.database.urlOf('api-key'),
    onEvent(event) {
      auth.onEvent(event)
      heard()
    },
    onGap: () => heard(),
    onError: () => {},
  })
  await gap
  const afterEvent = (change: () => Promise<unknown>) =>
    Promise.all([
      new Promise<void>((resolve) => {
        heard = resolve
      }),
      change(),
    ])
  const askAs = (headers: Headers, method: string, path: string, body?: unknown) =>
    service.ask(method, path, { headers, body })
  const setActive = (is_active: boolean) =>
    askAs(admin.headers, 'PATCH', `/api/users/${owner.id}`, { is_active })
  try {
    const [one, two, three] = [await keyOf(owner), await keyOf(owner), await keyOf(owner)]
    for (const { key } of [one, two, three]) expect((await auth.keys.verify(key)).valid).toBe(true)
    await afterEvent(() => askAs(owner.headers, 'DELETE', `/api/keys/${one.id}`))
    await expect(auth.keys.verify(one.key)).rejects.toMatchObject({ code: 'revoked_api_key' })
    await afterEvent(() => askAs(owner.headers, 'POST', `/api/keys/${two.id}/regenerate`))
    await expect(auth.keys.verify(two.key)).rejects.toMatchObject({ code: 'unknown_api_key' })
    await afterEvent(() => setActive(false))
    await expect(auth.keys.verify(three.key)).rejects.toMatchObject({ code: 'revoked_api_key' })
    await afterEvent(() => setActive(true))
    expect((await auth.keys.verify(three.key)).valid).toBe(true)
  } finally {
    await listener.stop()
    await auth.stop()
  }
})

test('002.08 reported uses move last_used_at forward and never back, many in one statement', async () => {
  const { owner } = await ownerOfProject()
  const [one, two] = [await keyOf(owner), await keyOf(owner)]
  const at = service.clock.at
  const { updated } = await report([
    { key_id: one.id, used_at: isoAt(at - 3000) },
    { key_id: two.id, used_at: isoAt(at - 2000) },
    { key_id: one.id, used_at: isoAt(at - 1000) },
    { key_id: randomUUID(), used_at: isoAt(at) },
  ])
  expect(updated).toBe(2)
  expect([await lastUsedOf(one.id), await lastUsedOf(two.id)]).toEqual([isoAt(at - 1000), isoAt(at - 2000)])
  expect(await report([{ key_id: one.id, used_at: isoAt(at - 5000) }])).toEqual({ updated: 0 })
  expect(await lastUsedOf(one.id)).toBe(isoAt(at - 1000))
  expect(await report([])).toEqual({ updated: 0 })
})

test('002.08 a use that was reported from the future counts as now, one from year zero as none', async () => {
  const { owner } = await ownerOfProject()
  const { id } = await keyOf(owner)
  await report([{ key_id: id, used_at: '9999-01-01T00:00:00Z' }])
  expect(await lastUsedOf(id)).toBe(isoAt(service.clock.at))
  expect(await report([{ key_id: id, used_at: '0000-01-01T00:00:00Z' }])).toEqual({ updated: 0 })
})

test('002.08 a batch takes its rows in the order of their ids, so no two batches can deadlock', async () => {
  const { owner } = await ownerOfProject()
  const keys = await Promise.all(Array.from({ length: 30 }, () => keyOf(owner)))
  const ids = keys.map(({ id }) => id).sort()
  const used_at = isoAt(service.clock.at)
  const answer = await service.race({
    lock: 'SELECT 1 FROM api_key.api_keys WHERE id = $1 FOR UPDATE',
    values: [ids[0]],
    waiting: 1,
    work: () => report(ids.toReversed().map((key_id) => ({ key_id, used_at }))),
    async meanwhile() {
      const free = 'SELECT id FROM api_key.api_keys WHERE id = ANY($1) FOR UPDATE SKIP LOCKED'
      expect((await service.owner.query(free, [ids.slice(1)])).rowCount).toBe(29)
    },
  })
  expect(answer).toEqual({ updated: 30 })
  for (const id of ids) expect(await lastUsedOf(id)).toBe(used_at)
})

test('002.08 an older batch that waited for a newer one does not move last_used_at back', async () => {
  const { owner } = await ownerOfProject()
  const { id } = await keyOf(owner)
  const newer = isoAt(service.clock.at)
  const answer = await service.race({
    lock: 'UPDATE api_key.api_keys SET last_used_at = $2 WHERE id = $1',
    values: [id, newer],
    waiting: 1,
    work: () => report([{ key_id: id, used_at: isoAt(service.clock.at - 60_000) }]),
  })
  expect(answer).toEqual({ updated: 0 })
  expect(await lastUsedOf(id)).toBe(newer)
})

test("002.08 a key used on this service's own API, or verified here, is written with the next batch", async () => {
  const { owner } = await ownerOfProject()
  const [own, verified] = [await keyOf(owner, { scopes: ['manage:keys:read'] }), await keyOf(owner)]
  expect((await service.ask('GET', '/api/keys', { headers: { 'x-api-key': own.key } })).status).toBe(200)
  await verify(verified.key)
  await service.deps.keyUse.flush()
  expect(await lastUsedOf(own.id)).toBe(isoAt(service.clock.at))
  expect(await lastUsedOf(verified.id)).toBe(isoAt(service.clock.at))
})

test('every internal endpoint refuses a request without a valid internal key with 403', async () => {
  for (const [method, path, body] of [
    ['POST', '/internal/keys/verify', { key: 'x' }],
    ['POST', '/internal/keys/used', { items: [] }],
    ['GET', `/internal/members?user_id=${randomUUID()}`, undefined],
    ['GET', `/internal/projects/${randomUUID()}/common-member?other_project_id=${randomUUID()}`, undefined],
    ['GET', '/internal/jwks', undefined],
  ] as const)
    for (const headers of [{}, { 'x-internal-key': 'wrong-internal-key-0123456789' }] as Headers[]) {
      const answer = await send(service.internalUrl, method, path, { headers, body })
      expect([answer.status, answer.body.code]).toEqual([403, 'invalid_internal_key'])
    }
})

test('no internal endpoint is on the public listener', async () => {
  for (const path of ['/internal/jwks', '/internal/members', '/metrics', '/healthz', '/readyz'])
    expect((await service.ask('GET', path, { headers: { 'x-internal-key': testInternalKey } })).status).toBe(
      404,
    )
})

test('internal requests that do not fit the contract are refused, naming the field', async () => {
  const headers = { 'x-internal-key': testInternalKey }
  const noKey = await send(service.internalUrl, 'POST', '/internal/keys/verify', { headers, body: {} })
  expect([noKey.status, noKey.body.errors[0].path]).toEqual([422, 'body.key'])
  const noUser = await send(service.internalUrl, 'GET', '/internal/members?user_id=x', { headers })
  expect([noUser.status, noUser.body.errors[0].path]).toEqual([400, 'query.user_id'])
  const items = [{ key_id: 'x', used_at: 'y' }]
  const wrong = await send(service.internalUrl, 'POST', '/internal/keys/used', { headers, body: { items } })
  expect(wrong.status).toBe(422)
})

test('readiness follows the database', async () => {
  const answer = await send(service.internalUrl, 'GET', '/readyz')
  expect([answer.status, answer.body]).toEqual([200, { status: 'ready' }])
})
