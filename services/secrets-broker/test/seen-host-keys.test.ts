import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createSshKey } from '@opsconductor/test-peers'
import { consoleKey, executorKey, type RunningBroker, startBroker } from './running-broker.ts'

let broker: RunningBroker
let project: Awaited<ReturnType<RunningBroker['createProject']>>
beforeAll(async () => {
  broker = await startBroker()
  project = await broker.createProject()
})
afterAll(() => broker?.stop())

const api = (method: string, path: string, body?: unknown, as = project.asOwner) =>
  broker.api(method, `/api/trust/host-keys${path}`, as, body)
const report = (host: string, key: string, more: object = {}, internalKey: string | null = executorKey) =>
  broker.internal(
    'POST',
    '/internal/secrets/trust/host-keys/seen',
    { project_id: project.projectId, host, port: 22, key, ...more },
    internalKey,
  )
const trusted = async (host: string) =>
  (await broker.internal('GET', `/internal/secrets/trust?project_id=${project.projectId}&host=${host}`)).body
    .host_keys as { fingerprint: string; is_authority: boolean }[]
const pendingOf = async (host: string) => (await api('GET', `/pending?host=${host}`)).body.items

test('000.47 a key that a host has shown waits, is trusted by nobody, and is trusted once a person approves it', async () => {
  const key = createSshKey()
  expect((await report('WEB-1', key.publicKey)).body).toEqual({ pending: true })
  expect((await report('web-1', key.publicKey)).body).toEqual({ pending: true })
  expect(await trusted('web-1')).toEqual([])
  const [pending, ...others] = await pendingOf('web-1')
  expect([pending, others]).toEqual([
    expect.objectContaining({ fingerprint: key.fingerprint, changed: false, times_seen: 2, port: 22 }),
    [],
  ])
  const approved = await api('POST', `/${pending?.id}/approve`, {
    fingerprint: key.fingerprint,
    comment: 'rack 7',
  })
  expect([approved.status, approved.body]).toEqual([
    200,
    expect.objectContaining({
      ...{ id: pending?.id, host: 'web-1', revoked: false, is_authority: false, comment: 'rack 7' },
      created_by: `user:${project.userId}`,
    }),
  ])
  expect(await trusted('web-1')).toMatchObject([{ fingerprint: key.fingerprint }])
  expect(await pendingOf('web-1')).toEqual([])
  // It is trusted now, so that there is nothing to wait for.
  expect((await report('web-1', key.publicKey)).body).toEqual({ pending: false })
  expect(await pendingOf('web-1')).toEqual([])
})

test('a host that has another key now is marked; both keys are good once the new one is approved', async () => {
  const [old, next] = [createSshKey(), createSshKey()]
  await api('POST', '', { host: 'web-2', key: old.publicKey })
  await report('web-2', next.publicKey)
  const [pending] = await pendingOf('web-2')
  expect(pending).toMatchObject({ changed: true })
  await api('POST', `/${pending?.id}/approve`, { fingerprint: next.fingerprint })
  expect((await trusted('web-2')).map(({ fingerprint }) => fingerprint)).toEqual([
    old.fingerprint,
    next.fingerprint,
  ])
})

test('a revoked key does not wait to be approved', async () => {
  const key = createSshKey()
  await api('POST', '', { host: 'web-3', key: key.publicKey, revoked: true })
  expect((await report('web-3', key.publicKey)).body).toEqual({ pending: false })
})

test('approving needs the fingerprint, is in the access log, also when it is refused, and can be done once', async () => {
  const key = createSshKey()
  await report('web-4', key.publicKey)
  const [pending] = await pendingOf('web-4')
  await broker.owner.query('TRUNCATE secrets.credential_access_log')
  for (const body of [{}, { fingerprint: 'SHA256:other' }])
    expect((await api('POST', `/${pending?.id}/approve`, body)).status).toBe(422)
  expect(await trusted('web-4')).toEqual([])
  expect((await api('POST', `/${pending?.id}/approve`, { fingerprint: key.fingerprint })).status).toBe(200)
  expect((await api('POST', `/${pending?.id}/approve`, { fingerprint: key.fingerprint })).status).toBe(404)
  const rows = await broker.accessLog()
  expect(rows.map((row) => [row.access_type, row.purpose, row.host, row.success])).toEqual([
    ['create', 'ssh_host_key', 'web-4', false],
    ['create', 'ssh_host_key', 'web-4', true],
    ['create', 'ssh_host_key', expect.any(String), false],
  ])
})

test('a pending key can be dismissed, and waits again when it is seen again', async () => {
  const key = createSshKey()
  await report('web-5', key.publicKey)
  const [pending] = await pendingOf('web-5')
  expect((await api('DELETE', `/pending/${pending?.id}`)).status).toBe(204)
  expect((await api('DELETE', `/pending/${pending?.id}`)).status).toBe(404)
  expect(await pendingOf('web-5')).toEqual([])
  await report('web-5', key.publicKey)
  expect(await pendingOf('web-5')).toHaveLength(1)
})

test('another project neither sees, approves nor dismisses it', async () => {
  const key = createSshKey()
  await report('web-6', key.publicKey)
  const [pending] = await pendingOf('web-6')
  const other = (await broker.createProject()).asOwner
  expect((await api('GET', '/pending', undefined, other)).body.items).toEqual([])
  const approving = await api('POST', `/${pending?.id}/approve`, { fingerprint: key.fingerprint }, other)
  expect([
    approving.status,
    (await api('DELETE', `/pending/${pending?.id}`, undefined, other)).status,
  ]).toEqual([404, 404])
})

test('only services that connect may report, and only keys that could be trusted', async () => {
  const { publicKey } = createSshKey()
  for (const key of [null, consoleKey]) expect((await report('web-7', publicKey, {}, key)).status).toBe(403)
  const bad: [object, number][] = [
    [{ key: 'my dog has fleas' }, 422],
    [{ key: `@cert-authority * ${publicKey}` }, 422],
    [{ key: 'x'.repeat(100_000) }, 422],
    [{ host: 'a,b' }, 422],
    [{ host: '*.example.com' }, 422],
    [{ port: 0 }, 422],
    [{ project_id: randomUUID() }, 404],
  ]
  for (const [more, status] of bad)
    expect([more, (await report('web-7', publicKey, more)).status]).toEqual([more, status])
})

test('at most 200 wait: those seen last', async () => {
  const { asOwner, projectId } = await broker.createProject()
  await broker.owner.query(
    `INSERT INTO secrets.seen_host_keys (id, project_id, host, port, key_type, public_key, fingerprint, changed, last_seen_at)
     SELECT gen_random_uuid(), $1, 'host-' || n, 22, 'ssh-ed25519', 'AAAA', 'SHA256:' || n, false,
       now() - make_interval(secs => n) FROM generate_series(1, 200) n`,
    [projectId],
  )
  await report('newest', createSshKey().publicKey, { project_id: projectId })
  const { rows } = await broker.owner.query(
    'SELECT count(*)::int AS count, bool_or(host = $2) AS kept, bool_or(host = $3) AS old FROM secrets.seen_host_keys WHERE project_id = $1',
    [projectId, 'newest', 'host-200'],
  )
  expect(rows).toEqual([{ count: 200, kept: true, old: false }])
  expect((await api('GET', '/pending?limit=3', undefined, asOwner)).body.items).toHaveLength(3)
})

test('an authority for hosts is trusted for a name or a domain, by a line of known_hosts or by its own fields', async () => {
  const [line, fields] = [createSshKey(), createSshKey()]
  const byLine = await api('POST', '', { key: `@cert-authority *.Lab.example ${line.publicKey}` })
  expect(byLine.body).toMatchObject({ host: '*.lab.example', port: 22, is_authority: true, revoked: false })
  await api('POST', '', { key: fields.publicKey, host: 'db.lab.example', is_authority: true })
  const names = async (host: string) => (await trusted(host)).map(({ fingerprint }) => fingerprint)
  expect(await names('db.lab.example')).toEqual([line.fingerprint, fields.fingerprint])
  expect(await names('a.b.lab.example')).toEqual([line.fingerprint])
  for (const host of ['lab.example', 'evillab.example', 'db.lab.example.evil', 'x'])
    expect(await names(host)).toEqual([])
})

test('a pattern is for authorities alone', async () => {
  const { publicKey } = createSshKey()
  for (const body of [
    { key: publicKey, host: '*.lab.example' },
    { key: `*.lab.example ${publicKey}` },
    { key: `@cert-authority * ${publicKey}` },
    { key: `@cert-authority a*.lab.example ${publicKey}` },
    { key: `@cert-authority a,b ${publicKey}` },
    { key: publicKey, host: '*', is_authority: true },
  ])
    expect([body, (await api('POST', '', body)).status]).toEqual([body, 422])
})
