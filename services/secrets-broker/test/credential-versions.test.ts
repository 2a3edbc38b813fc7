import { randomUUID } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { openSecret, openVersion } from '../src/credentials/credential-secret.ts'
import { broker, call, create, inDays, project, secretsOf, useBroker } from './credential-calls.ts'

useBroker()

test('001.04 PUT changes what it names and nothing else; without a secret the version stays', async () => {
  const created = await create({ description: 'old', rotate_every_days: 30 })
  const jobs = [randomUUID()]
  const { status, body, headers } = await call('PUT', `/${created.id}`, {
    name: `${created.name} renamed`,
    description: null,
    is_active: false,
    limits: {
      jobs,
      step_types: ['http.get'],
      hosts: ['API.example.com', '*.internal', '2001:DB8:0::1', '10.0.0.1'],
    },
  })
  expect([status, headers.etag]).toEqual([200, '"1"'])
  expect(body).toEqual({
    ...created,
    name: `${created.name} renamed`,
    description: null,
    is_active: false,
    limits: {
      jobs,
      step_types: ['http.get'],
      hosts: ['api.example.com', '*.internal', '2001:db8::1', '10.0.0.1'],
    },
    updated_at: expect.any(String),
  })
  expect((await call('GET', `/${created.id}`)).body).toEqual(body)
  expect(await secretsOf(created.id)).toEqual({ 1: { password: 'first-secret' } })
})

test('001.04 003.25 a new secret makes the next version; the former one is kept encrypted, for its own place', async () => {
  const { id } = await create()
  const { status, body, text, headers } = await call('PUT', `/${id}`, {
    secret: { password: 'second-secret' },
  })
  expect([status, body.version, headers.etag]).toEqual([200, 2, '"2"'])
  expect(text).not.toContain('second-secret')
  expect(await secretsOf(id)).toEqual({ 1: { password: 'first-secret' }, 2: { password: 'second-secret' } })
  const { rows } = await broker.owner.query('SELECT * FROM secrets.credential_versions')
  expect(JSON.stringify(rows)).not.toContain('first-secret')
  const sealed = { ciphertext: rows.at(-1).secret_encrypted, keyId: rows.at(-1).key_id }
  const owner = { id, projectId: project.projectId }
  await expect(openVersion(broker.deps.cipher, owner, 2, sealed)).rejects.toThrow('Failed to decrypt')
  await expect(openSecret(broker.deps.cipher, owner, sealed)).rejects.toThrow('Failed to decrypt')
})

test('001.04 a changed extra makes the next version with the same secret; an equal one does not', async () => {
  const { id } = await create()
  expect((await call('PUT', `/${id}`, { extra: { username: 'reader' } })).body.version).toBe(1)
  const { body } = await call('PUT', `/${id}`, { extra: { username: 'writer' } })
  expect([body.version, body.extra]).toEqual([2, { username: 'writer' }])
  expect(await secretsOf(id)).toEqual({ 1: { password: 'first-secret' }, 2: { password: 'first-secret' } })
})

test('versions are listed newest first with who and when and without secrets, and only so many are kept', async () => {
  const { id } = await create()
  for (const n of [2, 3, 4, 5, 6]) await call('PUT', `/${id}`, { secret: `secret number ${n}` })
  const { status, body, text } = await call('GET', `/${id}/versions`)
  expect(status).toBe(200)
  expect(body.items).toEqual(
    [6, 5, 4, 3].map((version) => ({
      version,
      created_at: expect.stringMatching(/Z$/),
      created_by: `user:${project.userId}`,
      current: version === 6,
    })),
  )
  expect(text).not.toContain('secret number')
  expect(Object.keys(await secretsOf(id))).toEqual(['3', '4', '5', '6'])
  expect((await call('GET', `/${randomUUID()}/versions`)).status).toBe(404)
  const other = await broker.createProject()
  expect((await broker.api('GET', `/api/credentials/${id}/versions`, other.asOwner)).status).toBe(404)
})

test('a rollback makes a new version with the former secret, extra and dates, and keeps what it replaced', async () => {
  const expiresAt = inDays(90)
  const { id, rotated_at: rotatedAt } = await create({ expires_at: expiresAt })
  await call('PUT', `/${id}`, { secret: 'second-secret', extra: { username: 'writer' } })
  const { status, body } = await call('POST', `/${id}/rollback`, { version: 1 })
  expect([status, body.version, body.extra, body.expires_at, body.rotated_at]).toEqual([
    200,
    3,
    { username: 'reader' },
    expiresAt,
    rotatedAt,
  ])
  expect(await secretsOf(id)).toEqual({
    1: { password: 'first-secret' },
    2: { password: 'second-secret' },
    3: { password: 'first-secret' },
  })
  expect((await broker.accessLog()).at(-1)).toMatchObject({
    access_type: 'update',
    reason: 'rollback to version 1',
    credential_uuid: id,
  })
})

test.each([
  [{ version: 1 }, 'body.version', 'is the present version'],
  [{ version: 7 }, 'body.version', 'is not among the versions that are kept'],
  [{ version: 0 }, 'body.version', ''],
  [{ version: 2 ** 40 }, 'body.version', ''],
  [{ version: '1' }, 'body.version', ''],
  [{}, 'body.version', ''],
])('a rollback with %j is refused naming the field', async (request, path, words) => {
  const { id } = await create()
  const { status, body } = await call('POST', `/${id}/rollback`, request)
  expect([status, body.errors[0]?.path]).toEqual([422, path])
  expect(body.errors[0]?.message).toContain(words)
})

test('001.04 of changes made at once none is lost: each has its version', async () => {
  const { id } = await create()
  const given = ['secret b', 'secret c', 'secret d']
  const answers = await Promise.all(given.map((secret) => call('PUT', `/${id}`, { secret })))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  const secrets = await secretsOf(id)
  expect(Object.keys(secrets)).toEqual(['1', '2', '3', '4'])
  for (const [i, { body }] of answers.entries())
    expect(secrets[body.version as number]).toEqual({ password: given[i] })
})

test('a change of the extra and one of the secret at once both count', async () => {
  const { id } = await create()
  const answers = await Promise.all([
    call('PUT', `/${id}`, { secret: 'second-secret' }),
    call('PUT', `/${id}`, { extra: { username: 'writer' } }),
  ])
  expect(answers.map(({ status }) => status)).toEqual([200, 200])
  const { body } = await call('GET', `/${id}`)
  expect([body.version, body.extra]).toEqual([3, { username: 'writer' }])
  expect((await secretsOf(id))[3]).toEqual({ password: 'second-secret' })
})

test('changes and a deletion at once end, and leave the credential deleted', async () => {
  const { id } = await create()
  const answers = await Promise.all([
    ...Array.from({ length: 6 }, (_, i) => call('PUT', `/${id}`, { secret: `secret number ${i}` })),
    call('DELETE', `/${id}`),
  ])
  expect(answers.at(-1)?.status).toBe(204)
  for (const { status } of answers.slice(0, -1)) expect([200, 404]).toContain(status)
  expect((await call('GET', `/${id}`)).status).toBe(404)
})

test('If-Match lets a change through only at that version: else 412, and nothing changes', async () => {
  const { id } = await create()
  const put = (ifMatch: string, n: number) =>
    call('PUT', `/${id}`, { secret: `secret number ${n}` }, { 'if-match': ifMatch })
  expect((await put('"1"', 2)).body.version).toBe(2)
  for (const stale of ['"1"', 'W/"2"', '"x"']) {
    const { status, body } = await put(stale, 3)
    expect([status, body.code]).toEqual([412, 'precondition_failed'])
  }
  expect((await put('"1", "2"', 3)).body.version).toBe(3)
  expect((await put('*', 4)).body.version).toBe(4)
  for (const wrong of ['4', '"4', '"4" "5"', `"${'x'.repeat(2000)}"`]) {
    const { status, body } = await put(wrong, 5)
    expect([status, body.errors[0]?.path]).toEqual([400, 'header.If-Match'])
  }
  const rollback = await call('POST', `/${id}/rollback`, { version: 1 }, { 'if-match': '"3"' })
  expect(rollback.status).toBe(412)
  expect((await call('GET', `/${id}`)).body.version).toBe(4)
})

test('of two who change the version that both saw only one succeeds', async () => {
  const { id } = await create()
  const answers = await Promise.all(
    ['b', 'c'].map((x) => call('PUT', `/${id}`, { secret: `secret ${x}` }, { 'if-match': '"1"' })),
  )
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 412])
})

const tooMany = Array.from({ length: 101 }, () => randomUUID())
test.each<[object, number, string]>([
  [{ secret: '' }, 422, 'body.secret'],
  [{ secret: 'abc' }, 422, 'body.secret'],
  [{ secret: { token: 'tok-0123456789' } }, 422, 'body.secret.password'],
  [{ extra: { username: 'a:b' } }, 422, 'body.extra.username'],
  [{ name: ' ' }, 422, 'body.name'],
  [{ name: null }, 422, 'body.name'],
  [{ type: 'bearer_token' }, 422, 'body'],
  [{ expires_at: '2020-01-01T00:00:00Z' }, 422, 'body.expires_at'],
  [{ expires_at: 'tomorrow' }, 422, 'body.expires_at'],
  [{ rotate_every_days: 0 }, 422, 'body.rotate_every_days'],
  [{ rotate_every_days: 1.5 }, 422, 'body.rotate_every_days'],
  [{ limits: { hosts: [] } }, 422, 'body.limits.hosts'],
  [{ limits: { hosts: ['http://x'] } }, 422, 'body.limits.hosts[0]'],
  [{ limits: { hosts: ['a.example:443'] } }, 422, 'body.limits.hosts[0]'],
  [{ limits: { hosts: ['*'] } }, 422, 'body.limits.hosts[0]'],
  [{ limits: { hosts: ['a:443'] } }, 422, 'body.limits.hosts[0]'],
  [{ limits: { hosts: ['a.*.example'] } }, 422, 'body.limits.hosts[0]'],
  [{ limits: { hosts: ['x'.repeat(300)] } }, 422, 'body.limits.hosts[0]'],
  [{ limits: { jobs: ['x'] } }, 422, 'body.limits.jobs[0]'],
  [{ limits: { jobs: tooMany } }, 422, 'body.limits.jobs'],
  [{ limits: { step_types: ['GET'] } }, 422, 'body.limits.step_types[0]'],
  [{ limits: { people: [] } }, 422, 'body.limits'],
])('PUT %j is refused naming the field, and changes nothing', async (request, status, path) => {
  const created = await create()
  const answer = await call('PUT', `/${created.id}`, request)
  expect([answer.status, answer.body.errors[0]?.path]).toEqual([status, path])
  expect((await call('GET', `/${created.id}`)).body).toEqual(created)
})

test('001.15 001.18 PUT to a name that is taken is 409 naming the field; to another project’s credential 404', async () => {
  const [one, two] = [await create(), await create()]
  const taken = await call('PUT', `/${one.id}`, { name: two.name, secret: 'second-secret' })
  expect([taken.status, taken.body.errors[0]?.path]).toEqual([409, 'body.name'])
  expect(await secretsOf(one.id)).toEqual({ 1: { password: 'first-secret' } })
  const other = await broker.createProject()
  for (const [method, path, body] of [
    ['PUT', one.id, {}],
    ['POST', `${one.id}/rollback`, { version: 1 }],
    ['POST', `${one.id}/restore`, {}],
  ] as const) {
    const answer = await broker.api(method, `/api/credentials/${path}`, other.asOwner, body)
    expect([answer.status, answer.body.code]).toEqual([404, 'not_found'])
  }
})

test('a change whose access cannot be logged is refused with 503 and changes nothing', async () => {
  const created = await create()
  await broker.owner.query('REVOKE INSERT ON secrets.credential_access_log FROM svc_secrets_broker')
  try {
    expect((await call('PUT', `/${created.id}`, { secret: 'second-secret' })).status).toBe(503)
    expect((await call('DELETE', `/${created.id}`)).status).toBe(503)
  } finally {
    await broker.owner.query('GRANT INSERT ON secrets.credential_access_log TO svc_secrets_broker')
  }
  expect((await call('GET', `/${created.id}`)).body).toEqual(created)
  expect(await secretsOf(created.id)).toEqual({ 1: { password: 'first-secret' } })
})
