import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { executorKey, type RunningBroker, send, startBroker } from './running-broker.ts'

let broker: RunningBroker
beforeAll(async () => {
  broker = await startBroker()
})
afterAll(() => broker.stop())
beforeEach(() =>
  broker.owner.query('TRUNCATE secrets.credential_access_log, secrets.host_credentials CASCADE'),
)

const root = '/internal/secrets'
const ssh = { host: 'web-01', purpose: 'ssh' }
const upsert = (body: object, key?: string) => broker.internal('POST', `${root}/credential-upsert`, body, key)
const lookup = (body: object, key?: string) => broker.internal('POST', `${root}/credential-lookup`, body, key)
const lookupAll = (body: object, key?: string) =>
  broker.internal('POST', `${root}/credential-lookup-batch`, body, key)
const remove = (query: Record<string, string>, key?: string) =>
  broker.internal('DELETE', `${root}/credential-delete?${new URLSearchParams(query)}`, undefined, key)
const logged = async () => (await broker.accessLog()).map((row) => [row.host, row.success, row.error_message])

test('003.28 a batch answers each lookup in its place, duplicates too, and what is missing or damaged spoils no other', async () => {
  const full = { username: 'u', domain: 'D', additional_data: { n: 1 } }
  await upsert({ ...ssh, ...full, password: 'first-pass' })
  await upsert({ ...ssh, label: 'root', password: 'root-pass' })
  const { body: damaged } = await upsert({ host: 'web-02', purpose: 'ssh', password: 'lost-pass' })
  await broker.owner.query("UPDATE secrets.host_credentials SET password_encrypted = 'AAAA' WHERE id = $1", [
    damaged.credential_id,
  ])
  await broker.owner.query('TRUNCATE secrets.credential_access_log')
  const bare = { username: null, domain: null, additional_data: {} }
  const { status, body } = await lookupAll({
    lookups: [
      { host: 'nowhere', purpose: 'ssh' },
      ssh,
      { ...ssh, label: 'root' },
      { host: 'web-02', purpose: 'ssh' },
      { ...ssh, label: 'none' },
      ssh,
    ],
  })
  expect(status).toBe(200)
  expect(body).toEqual({
    results: [
      { found: false, host: 'nowhere', purpose: 'ssh', reason: 'not_found' },
      { found: true, ...ssh, ...full, password: 'first-pass' },
      { found: true, ...ssh, label: 'root', ...bare, password: 'root-pass' },
      { found: false, host: 'web-02', purpose: 'ssh', reason: 'decryption_failed' },
      { found: false, ...ssh, label: 'none', reason: 'not_found' },
      { found: true, ...ssh, ...full, password: 'first-pass' },
    ],
  })
  expect(await logged()).toEqual([
    ['nowhere', false, 'Credential not found'],
    ['web-01', true, null],
    ['web-01', true, null],
    ['web-02', false, 'Failed to decrypt credential'],
    ['web-01', false, 'Credential not found'],
    ['web-01', true, null],
  ])
})

test('003.28 a hundred lookups are one commit of a hundred rows; none and a hundred and one are refused', async () => {
  const lookups = Array.from({ length: 100 }, (_, i) => ({ host: `h${i}`, purpose: 'ssh' }))
  expect((await lookupAll({ lookups })).body.results).toHaveLength(100)
  const { rows } = await broker.owner.query(
    'SELECT count(*)::int AS rows, count(DISTINCT xmin::text)::int AS commits FROM secrets.credential_access_log',
  )
  expect(rows).toEqual([{ rows: 100, commits: 1 }])
  for (const bad of [[], [...lookups, ssh]]) {
    const { status, body } = await lookupAll({ lookups: bad })
    expect([status, body.errors[0]?.path]).toEqual([422, 'body.lookups'])
  }
})

test('003.28 a batch fails closed: where its rows cannot be written it answers 503 and no secret', async () => {
  await upsert({ ...ssh, password: 'first-pass' })
  await broker.owner.query('REVOKE INSERT ON secrets.credential_access_log FROM svc_secrets_broker')
  try {
    const { status, text } = await lookupAll({ lookups: [ssh, ssh] })
    expect([status, text.includes('first-pass')]).toEqual([503, false])
  } finally {
    await broker.owner.query('GRANT INSERT ON secrets.credential_access_log TO svc_secrets_broker')
  }
})

test('a label tells accounts of one host and purpose apart, for every operation; without one the seed’s answers stay as they are', async () => {
  const plain = await upsert({ ...ssh, password: 'plain-pass' })
  const root1 = await upsert({ ...ssh, label: 'root', password: 'root-pass' })
  expect(root1.body).toEqual({ success: true, credential_id: expect.any(Number), ...ssh, label: 'root' })
  expect(root1.body.credential_id).not.toBe(plain.body.credential_id)
  expect((await lookup(ssh)).body).toMatchObject({ password: 'plain-pass' })
  expect((await lookup(ssh)).body).not.toHaveProperty('label')
  expect((await lookup({ ...ssh, label: 'root' })).body).toMatchObject({
    label: 'root',
    password: 'root-pass',
  })
  expect((await lookup({ ...ssh, label: 'ROOT' })).status).toBe(404)
  expect((await remove({ ...ssh, label: 'root' })).body).toEqual({ success: true, ...ssh, label: 'root' })
  expect((await remove({ ...ssh, label: 'root' })).status).toBe(404)
  expect((await lookup(ssh)).status).toBe(200)
  for (const label of ['x'.repeat(101), 'a\0b', 7])
    expect((await upsert({ ...ssh, label })).body.errors[0]?.path).toBe('body.label')
})

test('a project reads its own host credentials and the platform’s, and changes only its own', async () => {
  const { projectId: mine } = await broker.createProject()
  const { projectId: other } = await broker.createProject()
  const platform = { host: 'shared', purpose: 'ssh' }
  await upsert({ ...platform, password: 'platform-pass' })
  await upsert({ ...ssh, project_id: mine, password: 'mine-pass' })
  const as = { mine: { project_id: mine }, other: { project_id: other }, nobody: {} }
  const statuses = async (key: object) => {
    const answers = Object.values(as).map((who) => lookup({ ...key, ...who }, executorKey))
    return (await Promise.all(answers)).map(({ status }) => status)
  }
  expect(await statuses(platform)).toEqual([200, 200, 200])
  expect(await statuses(ssh)).toEqual([200, 404, 404])
  expect((await lookup(ssh)).status).toBe(200)
  const { body } = await lookupAll({ lookups: [ssh, platform], ...as.other }, executorKey)
  expect(body.results).toMatchObject([{ found: false }, { found: true }])

  const taken = { status: 409, body: { code: 'conflict', errors: [{ path: 'body.label' }] } }
  expect(await upsert({ ...ssh, ...as.other, password: 'stolen-pass' })).toMatchObject(taken)
  expect(await upsert({ ...platform, ...as.mine, password: 'stolen-pass' })).toMatchObject(taken)
  expect((await remove({ ...ssh, ...as.other })).status).toBe(404)
  expect((await remove({ ...platform, ...as.mine })).status).toBe(404)
  expect((await upsert({ ...ssh, password: 'by-operator' })).status).toBe(200)
  expect(await statuses(ssh)).toEqual([200, 404, 404])
  expect((await remove({ ...ssh, ...as.mine })).status).toBe(200)
  expect((await upsert({ ...ssh, project_id: randomUUID() })).status).toBe(404)
  expect((await lookup({ ...ssh, project_id: 'x' })).body.errors[0]?.path).toBe('body.project_id')

  const rows = (await broker.accessLog()).filter((row) => row.host === 'web-01' && row.success)
  expect(new Set(rows.map((row) => row.project_id))).toEqual(new Set([mine]))
})

test('a lookup answers the version as ETag; who has it already gets 304 without a secret, and is logged', async () => {
  const { body: created } = await upsert({ ...ssh, password: 'first-pass' })
  const first = await lookup(ssh)
  expect(first.headers.etag).toBe(`"${created.credential_id}-1"`)
  const revisit = (etag: string) =>
    send(`${broker.internalUrl}${root}/credential-lookup`, {
      method: 'POST',
      headers: { 'x-internal-key': broker.deps.keys.own, 'if-none-match': etag },
      body: ssh,
    })
  const known = await revisit(`"0-0", W/${first.headers.etag}`)
  expect([known.status, known.text, known.headers.etag]).toEqual([304, '', first.headers.etag])
  await upsert({ ...ssh, password: 'second-pass' })
  const changed = await revisit(String(first.headers.etag))
  expect([changed.status, changed.body.password, changed.headers.etag]).toEqual([
    200,
    'second-pass',
    `"${created.credential_id}-2"`,
  ])
  await remove(ssh)
  await upsert({ ...ssh, password: 'third-pass' })
  expect((await revisit(String(changed.headers.etag))).body.password).toBe('third-pass')
  expect((await broker.accessLog()).filter((row) => row.access_type === 'read' && row.success)).toHaveLength(
    4,
  )
})

test('GET /api/host-credentials pages through the project’s own, newest first, and shows no secret', async () => {
  const { projectId, asOwner } = await broker.createProject()
  for (const host of ['a', 'b', 'c'])
    await upsert({
      host,
      purpose: 'ssh',
      project_id: projectId,
      username: 'u',
      password: 'hidden-pass',
      additional_data: { key: 'hidden-too' },
    })
  await upsert({ host: 'platform', purpose: 'ssh', password: 'hidden-pass' })
  await upsert({ host: 'others', purpose: 'ssh', project_id: (await broker.createProject()).projectId })
  const list = (query: string) => broker.api('GET', `/api/host-credentials?${query}`, asOwner)
  const first = await list('limit=2')
  expect(first.body.items[0]).toEqual({
    id: expect.any(Number),
    host: 'c',
    purpose: 'ssh',
    label: '',
    username: 'u',
    domain: null,
    version: 1,
    created_at: expect.any(String),
    updated_at: expect.any(String),
  })
  expect(first.text).not.toMatch(/hidden/)
  const second = await list(`limit=2&cursor=${first.body.next_cursor}`)
  expect([first, second].flatMap(({ body }) => body.items.map((item) => item.host))).toEqual(['c', 'b', 'a'])
  expect(second.body.next_cursor).toBeNull()
  expect((await list('host=b&purpose=ssh')).body.items).toHaveLength(1)
  for (const bad of ['cursor=x', 'cursor=99999999999', 'limit=0', 'host=a%00b'])
    expect([bad, (await list(bad)).status]).toEqual([bad, 400])
})
