import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { isWellFormedApiKey } from '@opsconductor/auth'
import { verifyKeyEndpoint } from '@opsconductor/contracts'
import { type Headers, type RunningApiKey, startApiKey } from './running-api-key.ts'

let service: RunningApiKey
beforeAll(async () => {
  service = await startApiKey()
  // The registry's own tables are not this service's to fill: a stand-in takes the place of the one referred to.
  await service.owner.query(`
    ALTER TABLE api_key.api_keys DROP CONSTRAINT IF EXISTS api_keys_public_interface_id_cross_schema;
    CREATE TABLE public.interfaces_stand_in (id UUID PRIMARY KEY);
    ALTER TABLE api_key.api_keys ADD CONSTRAINT api_keys_public_interface_id_cross_schema
      FOREIGN KEY (public_interface_id) REFERENCES public.interfaces_stand_in (id) ON DELETE CASCADE`)
})
afterAll(() => service.close())

type Person = Awaited<ReturnType<RunningApiKey['person']>>
let count = 0
const newKey = (changes: object = {}) => ({ name: `key ${++count}`, ...changes })
const create = (headers: Headers, changes: object = {}) =>
  service.ask('POST', '/api/keys', { headers, body: newKey(changes) })
const verify = (key: string) => service.internal.call(verifyKeyEndpoint, { key })
const later = (days: number) => new Date(service.clock.at + days * 24 * 3_600_000).toISOString()

async function team() {
  const [owner, admin, operator, viewer] = await Promise.all([
    service.person(),
    service.person(),
    service.person(),
    service.person(),
  ])
  const projectId = await service.project({
    [owner.id]: 'owner',
    [admin.id]: 'admin',
    [operator.id]: 'operator',
    [viewer.id]: 'viewer',
  })
  return { projectId, owner, admin, operator, viewer }
}

async function publicInterface(projectId: string): Promise<string> {
  const id = randomUUID()
  service.interfaces.set(id, projectId)
  await service.owner.query('INSERT INTO public.interfaces_stand_in VALUES ($1)', [id])
  return id
}

const keyOf = async (
  person: Person,
  changes: object = {},
): Promise<{ id: string; key: string; headers: Headers }> => {
  const { body } = await create(person.headers, changes)
  return { id: body.id, key: body.key, headers: { 'x-api-key': body.key } }
}

test('002.01 the table has the columns, defaults, constraints and indexes of the seed', async () => {
  const { rows: columns } = await service.owner.query(
    `SELECT column_name || ' ' || data_type || coalesce('(' || character_maximum_length || ')', '')
            || CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END
            || coalesce(' DEFAULT ' || column_default, '') AS text
       FROM information_schema.columns WHERE table_schema = 'api_key' AND table_name = 'api_keys'
      ORDER BY ordinal_position`,
  )
  expect(columns.map(({ text }) => text)).toEqual([
    'id uuid NOT NULL DEFAULT gen_random_uuid()',
    'user_id uuid NOT NULL',
    'project_id uuid',
    'public_interface_id uuid',
    'name character varying(255) NOT NULL',
    'key_hash character varying(255) NOT NULL',
    'key_prefix character varying(10) NOT NULL',
    'is_active boolean DEFAULT true',
    'last_used_at timestamp with time zone',
    'expires_at timestamp with time zone',
    'created_at timestamp with time zone NOT NULL DEFAULT now()',
    'updated_at timestamp with time zone NOT NULL DEFAULT now()',
    "scopes ARRAY NOT NULL DEFAULT '{}'::text[]",
  ])
  const { rows: constraints } = await service.owner.query(
    `SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint
      WHERE conrelid = 'api_key.api_keys'::regclass AND contype IN ('p', 'u', 'f')`,
  )
  expect(constraints.map(({ text }) => text)).toEqual(
    expect.arrayContaining([
      'PRIMARY KEY (id)',
      'UNIQUE (key_hash)',
      'UNIQUE (user_id, name)',
      'FOREIGN KEY (user_id) REFERENCES api_key.users(id) ON DELETE CASCADE',
      'FOREIGN KEY (project_id) REFERENCES api_key.projects(id) ON DELETE CASCADE',
    ]),
  )
  const { rows: indexes } = await service.owner.query(
    `SELECT indexname FROM pg_indexes WHERE schemaname = 'api_key' AND tablename = 'api_keys'`,
  )
  expect(indexes.map(({ indexname }) => indexname)).toEqual(
    expect.arrayContaining([
      'idx_api_keys_key_hash',
      'idx_api_keys_user_id',
      'idx_api_keys_public_interface',
    ]),
  )
})

test('002.04 a key is shown when it is made and never again: lists and reads show its first characters', async () => {
  const { operator, viewer, projectId } = await team()
  const made = await create(operator.headers, { expires_at: later(30) })
  expect(made.status).toBe(201)
  expect(made.headers.location).toBe(`/api/keys/${made.body.id}`)
  const { key, ...shown } = made.body
  expect(isWellFormedApiKey(key)).toBe(true)
  expect(shown).toEqual({
    id: expect.any(String),
    name: expect.any(String),
    user_id: operator.id,
    project_id: projectId,
    public_interface_id: null,
    key_prefix: key.slice('oc_live_'.length, 'oc_live_'.length + 4),
    scopes: [],
    is_active: true,
    last_used_at: null,
    expires_at: later(30),
    created_at: expect.any(String),
    updated_at: expect.any(String),
  })
  const one = await service.ask('GET', `/api/keys/${shown.id}`, { headers: viewer.headers })
  const list = await service.ask('GET', '/api/keys', { headers: viewer.headers })
  expect(one.body).toEqual(shown)
  expect(list.body).toEqual({ items: [shown], next_cursor: null })
})

test('002.04 keys are listed page by page, newest first, and only those of the project', async () => {
  const { operator } = await team()
  await keyOf((await team()).operator)
  const made: string[] = []
  for (let i = 0; i < 5; i++) made.unshift((await keyOf(operator)).id)
  const first = await service.ask('GET', '/api/keys?limit=3', { headers: operator.headers })
  const rest = await service.ask('GET', `/api/keys?limit=3&cursor=${first.body.next_cursor}`, {
    headers: operator.headers,
  })
  const ids = [...first.body.items, ...rest.body.items].map(({ id }: { id: string }) => id)
  expect(ids).toEqual(made)
  expect(rest.body.next_cursor).toBeNull()
})

test('002.04 the same name twice for one user is 409 naming the field; another user may have it', async () => {
  const { operator, admin } = await team()
  expect((await create(operator.headers, { name: 'ci' })).status).toBe(201)
  const again = await create(operator.headers, { name: 'ci' })
  expect([again.status, again.body.errors[0].path]).toEqual([409, 'body.name'])
  expect((await create(admin.headers, { name: 'ci' })).status).toBe(201)
})

test('002.04 a regenerated key has a new secret and the old one is dead at once', async () => {
  const { operator } = await team()
  const old = await keyOf(operator)
  const renewed = await service.ask('POST', `/api/keys/${old.id}/regenerate`, { headers: operator.headers })
  expect(renewed.status).toBe(200)
  expect(renewed.body.id).toBe(old.id)
  expect(renewed.body.key).not.toBe(old.key)
  expect(renewed.body.key_prefix).toBe(renewed.body.key.slice(8, 12))
  expect(await verify(old.key)).toEqual({ valid: false, code: 'unknown_api_key' })
  expect(await verify(renewed.body.key)).toMatchObject({ valid: true, key_id: old.id })
})

test('002.04 only its maker regenerates a key, and not one that was revoked or has expired', async () => {
  const { owner, operator } = await team()
  const regenerate = (who: Person, id: string) =>
    service.ask('POST', `/api/keys/${id}/regenerate`, { headers: who.headers })
  const key = await keyOf(operator)
  expect((await regenerate(owner, key.id)).status).toBe(403)
  await service.ask('DELETE', `/api/keys/${key.id}`, { headers: operator.headers })
  expect((await regenerate(operator, key.id)).status).toBe(409)
  const short = await keyOf(operator, { expires_at: later(0.001) })
  service.clock.at += 120_000
  const late = await regenerate(operator, short.id)
  expect([late.status, late.body.code]).toEqual([409, 'conflict'])
})

test('002.09 a revoked key is refused at once and stays in the list as inactive; revoking again changes nothing', async () => {
  const { operator } = await team()
  const key = await keyOf(operator)
  const path = `/api/keys/${key.id}`
  expect((await service.ask('DELETE', path, { headers: operator.headers })).status).toBe(204)
  expect(await verify(key.key)).toEqual({ valid: false, code: 'revoked_api_key' })
  expect((await service.ask('GET', path, { headers: operator.headers })).body.is_active).toBe(false)
  expect((await service.ask('DELETE', path, { headers: operator.headers })).status).toBe(204)
})

test('002.04 an operator revokes only own keys, an admin any of the project', async () => {
  const { operator, admin, owner } = await team()
  const [theirs, own] = [await keyOf(owner), await keyOf(operator)]
  const revoke = (who: Person, id: string) =>
    service.ask('DELETE', `/api/keys/${id}`, { headers: who.headers })
  expect((await revoke(operator, theirs.id)).status).toBe(403)
  expect(await verify(theirs.key)).toMatchObject({ valid: true })
  expect((await revoke(admin, own.id)).status).toBe(204)
})

test("another project's key does not exist, whatever is asked of it", async () => {
  const [mine, theirs] = [await team(), await team()]
  const { id, key } = await keyOf(theirs.owner)
  for (const [method, path] of [
    ['GET', `/api/keys/${id}`],
    ['DELETE', `/api/keys/${id}`],
    ['POST', `/api/keys/${id}/regenerate`],
    ['GET', `/api/keys/${randomUUID()}`],
    ['GET', '/api/keys/nonsense'],
  ] as const)
    expect((await service.ask(method, path, { headers: mine.owner.headers })).status).toBe(404)
  expect(await verify(key)).toMatchObject({ valid: true })
})

test('an expiry that is not in the future is 422 naming the field', async () => {
  const { operator } = await team()
  for (const expires_at of [later(-1), new Date(service.clock.at).toISOString(), '0000-01-01T00:00:00Z']) {
    const answer = await create(operator.headers, { expires_at })
    expect([answer.status, answer.body.errors[0].path]).toEqual([422, 'body.expires_at'])
  }
})

test('a key can be bound to a public interface of its own project and to no other', async () => {
  const [mine, theirs] = [await team(), await team()]
  const own = await publicInterface(mine.projectId)
  const bound = await create(mine.operator.headers, { public_interface_id: own })
  expect(bound.status).toBe(201)
  expect(await verify(bound.body.key)).toMatchObject({ valid: true, public_interface_id: own })
  const refused = [
    await create(mine.operator.headers, { public_interface_id: await publicInterface(theirs.projectId) }),
    await create(mine.operator.headers, { public_interface_id: randomUUID() }),
  ]
  for (const answer of refused) {
    expect([answer.status, answer.body.errors[0].path]).toEqual([422, 'body.public_interface_id'])
    expect(answer.body.detail).toBe(refused[0]?.body.detail)
  }
})

test('an interface that goes away between the check and the insert is 422, not 500', async () => {
  const { operator, projectId } = await team()
  const id = randomUUID()
  service.interfaces.set(id, projectId)
  const answer = await create(operator.headers, { public_interface_id: id })
  expect([answer.status, answer.body.errors[0].path]).toEqual([422, 'body.public_interface_id'])
})

test('people give manage: scopes only as owner or admin', async () => {
  const { owner, admin, operator, viewer } = await team()
  const scopes = ['manage:jobs', 'manage:jobs']
  expect((await create(owner.headers, { scopes })).body.scopes).toEqual(['manage:jobs'])
  expect((await create(admin.headers, { scopes: ['manage:*'] })).status).toBe(201)
  const refused = await create(operator.headers, { scopes: ['manage:jobs:read'] })
  expect([refused.status, refused.body.code]).toEqual([403, 'forbidden'])
  expect((await create(viewer.headers)).status).toBe(403)
  const wrong = await create(owner.headers, { scopes: ['manage:'] })
  expect([wrong.status, wrong.body.errors[0].path]).toEqual([422, 'body.scopes[0]'])
})

test('a key makes no key that holds more than itself: scopes, interface and life', async () => {
  const { owner, projectId } = await team()
  const [one, two] = [await publicInterface(projectId), await publicInterface(projectId)]
  const plain = await keyOf(owner, { scopes: ['manage:keys', 'manage:jobs'] })
  const statusOf = async (maker: { headers: Headers }, changes: object) =>
    (await create(maker.headers, changes)).status
  expect(await statusOf(plain, { scopes: ['manage:jobs:read', 'manage:keys'] })).toBe(201)
  expect(await statusOf(plain, { scopes: ['manage:credentials'] })).toBe(403)
  expect(await statusOf(plain, { scopes: ['manage:*'] })).toBe(403)
  const bound = await keyOf(owner, { scopes: ['manage:keys'], public_interface_id: one })
  expect(await statusOf(bound, { public_interface_id: one })).toBe(201)
  expect(await statusOf(bound, { public_interface_id: two })).toBe(403)
  expect(await statusOf(bound, {})).toBe(403)
  const short = await keyOf(owner, { scopes: ['manage:keys'], expires_at: later(1) })
  expect(await statusOf(short, { expires_at: later(1) })).toBe(201)
  expect(await statusOf(short, { expires_at: later(2) })).toBe(403)
  expect(await statusOf(short, {})).toBe(403)
})

test("a key cannot regenerate its maker's stronger key to get hold of it", async () => {
  const { owner } = await team()
  const strong = await keyOf(owner, { scopes: ['manage:*'] })
  const weak = await keyOf(owner, { scopes: ['manage:keys'] })
  const answer = await service.ask('POST', `/api/keys/${strong.id}/regenerate`, { headers: weak.headers })
  expect(answer.status).toBe(403)
  const itself = await service.ask('POST', `/api/keys/${weak.id}/regenerate`, { headers: weak.headers })
  expect(itself.status).toBe(200)
})

test('a key of one project names no other in X-Project-Id, and opens nothing without its scope', async () => {
  const [mine, theirs] = [await team(), await team()]
  const key = await keyOf(mine.owner, { scopes: ['manage:keys:read'] })
  const other = { ...key.headers, 'x-project-id': theirs.projectId }
  expect((await service.ask('GET', '/api/keys', { headers: other })).status).toBe(404)
  expect((await service.ask('GET', '/api/keys', { headers: key.headers })).status).toBe(200)
  expect((await create(key.headers)).status).toBe(403)
})

test('a person of several projects must say which', async () => {
  const person = await service.person()
  const first = await service.project({ [person.id]: 'owner' })
  await service.project({ [person.id]: 'owner' })
  const unnamed = await create(person.headers)
  expect([unnamed.status, unnamed.body.errors[0].path]).toEqual([400, 'header.X-Project-Id'])
  const named = await create({ ...person.headers, 'x-project-id': first })
  expect([named.status, named.body.project_id]).toEqual([201, first])
})
