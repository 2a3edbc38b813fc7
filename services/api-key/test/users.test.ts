import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { readApiKeyConfig } from '../src/config.ts'
import { createDeps } from '../src/deps.ts'
import { bootstrapAdmin } from '../src/users/bootstrap-admin.ts'
import {
  type Headers,
  password,
  type RunningApiKey,
  startApiKey,
  testEnvironment,
} from './running-api-key.ts'

let service: RunningApiKey
let admin: { id: string; headers: Headers }
beforeAll(async () => {
  service = await startApiKey()
  admin = await service.person({ isPlatformAdmin: true })
})
afterAll(() => service.close())

const asAdmin = (method: string, path: string, body?: unknown) =>
  service.ask(method, path, { headers: admin.headers, body })
const signIn = (email: string, secret: string) =>
  service.ask('POST', '/api/session', { body: { email, password: secret } })
const newUser = (changes: object = {}) => ({
  email: `u${randomUUID()}@example.com`,
  display_name: 'Ada',
  password,
  ...changes,
})

test('a platform administrator makes a user, who can sign in; the password is kept as argon2id', async () => {
  const request = newUser({ email: 'Ada@Example.com' })
  const made = await asAdmin('POST', '/api/users', request)
  expect(made.status).toBe(201)
  expect(made.headers.location).toBe(`/api/users/${made.body.id}`)
  expect(made.body).toEqual({
    id: expect.any(String),
    email: 'ada@example.com',
    display_name: 'Ada',
    is_active: true,
    is_platform_admin: false,
    created_at: expect.any(String),
    updated_at: expect.any(String),
  })
  const { rows } = await service.owner.query('SELECT password_hash FROM api_key.users WHERE id = $1', [
    made.body.id,
  ])
  expect(rows[0].password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,p=1,t=2\$/)
  const session = await signIn('ADA@example.COM', password)
  expect(session.status).toBe(200)
  const headers = { authorization: `Bearer ${session.body.access_token}` }
  const me = await service.ask('GET', '/api/users/me', { headers })
  expect(me.body).toEqual(made.body)
})

test('an e-mail that is taken, whatever its case, is 409 naming the field', async () => {
  await asAdmin('POST', '/api/users', newUser({ email: 'taken@example.com' }))
  const again = await asAdmin('POST', '/api/users', newUser({ email: 'TAKEN@example.com' }))
  expect([again.status, again.body.errors[0].path]).toEqual([409, 'body.email'])
})

test('a user without e-mail, name or long enough password is 422 naming the field', async () => {
  for (const [changes, path] of [
    [{ email: 'no' }, 'body.email'],
    [{ display_name: ' ' }, 'body.display_name'],
    [{ password: 'short' }, 'body.password'],
  ] as const) {
    const answer = await asAdmin('POST', '/api/users', newUser(changes))
    expect([answer.status, answer.body.errors[0].path]).toEqual([422, path])
  }
})

test('users are listed page by page, and read one by one; an unknown id is 404', async () => {
  const seen = new Set<string>()
  let cursor: string | null = ''
  while (cursor !== null) {
    const page = await asAdmin('GET', `/api/users?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`)
    expect(page.status).toBe(200)
    expect(page.body.items.length).toBeLessThanOrEqual(2)
    for (const { id } of page.body.items) seen.add(id)
    cursor = page.body.next_cursor
  }
  const { rows } = await service.owner.query('SELECT id FROM api_key.users')
  expect([...seen].sort()).toEqual(rows.map(({ id }) => id).sort())
  expect((await asAdmin('GET', `/api/users/${admin.id}`)).body.id).toBe(admin.id)
  expect((await asAdmin('GET', `/api/users/${randomUUID()}`)).status).toBe(404)
  expect((await asAdmin('GET', '/api/users/nonsense')).status).toBe(404)
  expect((await asAdmin('GET', '/api/users?cursor=nonsense')).status).toBe(400)
  expect((await asAdmin('GET', '/api/users?limit=0')).status).toBe(400)
})

test('a new password ends the sessions of the old one, and the old password', async () => {
  const user = (await asAdmin('POST', '/api/users', newUser())).body
  const session = await signIn(user.email, password)
  const cookie = String(session.headers['set-cookie']).split(';')[0] as string
  const changed = await asAdmin('PATCH', `/api/users/${user.id}`, { password: 'another long password' })
  expect(changed.status).toBe(200)
  expect((await service.ask('POST', '/api/session/refresh', { headers: { cookie } })).status).toBe(401)
  expect((await signIn(user.email, password)).status).toBe(401)
  expect((await signIn(user.email, 'another long password')).status).toBe(200)
})

test('a deactivated user cannot sign in, refresh or use a token; reactivated they can sign in again', async () => {
  const user = (await asAdmin('POST', '/api/users', newUser())).body
  const session = await signIn(user.email, password)
  const cookie = String(session.headers['set-cookie']).split(';')[0] as string
  const headers = { authorization: `Bearer ${session.body.access_token}` }
  const off = await asAdmin('PATCH', `/api/users/${user.id}`, { is_active: false })
  expect(off.body.is_active).toBe(false)
  expect((await service.ask('GET', '/api/users/me', { headers })).status).toBe(401)
  expect((await signIn(user.email, password)).status).toBe(401)
  await asAdmin('PATCH', `/api/users/${user.id}`, { is_active: true })
  expect((await service.ask('POST', '/api/session/refresh', { headers: { cookie } })).status).toBe(401)
  expect((await signIn(user.email, password)).status).toBe(200)
})

test('a change of an unknown user is 404 and of an unknown field 422', async () => {
  expect((await asAdmin('PATCH', `/api/users/${randomUUID()}`, { is_active: true })).status).toBe(404)
  expect((await asAdmin('PATCH', `/api/users/${admin.id}`, { email: 'x@example.com' })).status).toBe(422)
})

test('the last active platform administrator cannot be deactivated or demoted, also not by two at once', async () => {
  const own = await startApiKey()
  try {
    const [one, two] = [
      await own.person({ isPlatformAdmin: true }),
      await own.person({ isPlatformAdmin: true }),
    ]
    const demote = (by: typeof one, who: typeof one, body: object) =>
      own.ask('PATCH', `/api/users/${who.id}`, { headers: by.headers, body })
    const answers = await own.race({
      lock: 'SELECT 1 FROM api_key.users FOR UPDATE',
      waiting: 2,
      work: () =>
        Promise.all([demote(one, two, { is_platform_admin: false }), demote(two, one, { is_active: false })]),
    })
    const { rows } = await own.owner.query(
      'SELECT count(*)::int AS left FROM api_key.users WHERE is_active AND is_platform_admin',
    )
    expect(rows[0].left).toBe(1)
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const last = answers[0]?.status === 200 ? one : two
    for (const body of [{ is_active: false }, { is_platform_admin: false }]) {
      const refused = await demote(last, last, body)
      expect([refused.status, refused.body.code]).toEqual([409, 'conflict'])
    }
  } finally {
    await own.close()
  }
})

test('ADMIN_EMAIL and ADMIN_PASSWORD make the first platform administrator once, also when two processes start', async () => {
  const own = await startApiKey()
  const config = readApiKeyConfig(
    testEnvironment({
      DATABASE_URL: own.database.urlOf('api-key'),
      LOG_LEVEL: 'silent',
      ADMIN_EMAIL: 'Root@example.com',
      ADMIN_PASSWORD: 'the first password',
    }),
  )
  const deps = await createDeps(config)
  try {
    await Promise.all([bootstrapAdmin(deps), bootstrapAdmin(deps)])
    await own.person()
    await bootstrapAdmin(deps)
    const { rows } = await own.owner.query(
      'SELECT email FROM api_key.users WHERE is_platform_admin AND is_active',
    )
    expect(rows).toEqual([{ email: 'root@example.com' }])
    const session = await own.ask('POST', '/api/session', {
      body: { email: 'root@example.com', password: 'the first password' },
    })
    expect(session.status).toBe(200)
  } finally {
    await deps.dispose()
    await own.close()
  }
})
