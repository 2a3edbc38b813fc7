import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import type pg from 'pg'
import { claimDueCredentials } from '../src/vaults/copy-store.ts'
import { syncDueCredentials } from '../src/vaults/sync-due-credentials.ts'
import { type FurnishedVault, startFurnishedVault } from './furnished-vault.ts'
import { type RunningBroker, startBroker } from './running-broker.ts'

let broker: RunningBroker
let vault: FurnishedVault
let project: Awaited<ReturnType<RunningBroker['createProject']>>
let nowMs = Date.now()
beforeAll(async () => {
  broker = await startBroker({ VAULTS_ALLOW_LOOPBACK: 'true' }, { now: () => new Date(nowMs) })
})
afterAll(() => broker.stop())
beforeEach(async () => {
  // Anew for each test: another vault has its own breaker.
  vault = await startFurnishedVault()
  project = await broker.createProject()
  await api('POST', '/api/vaults', {
    name: 'team vault',
    provider: 'hashicorp-vault',
    settings: vault.settings,
    auth: vault.auth,
  })
  await vault.put('app/db', { user: 'reader', pass: 'first-Passw0rd', unused: 'never-needed' })
})
afterEach(() => vault.close())

const api = (method: string, path: string, body?: unknown) => broker.api(method, path, project.asOwner, body)

async function createReference(extra: object = {}) {
  const { status, body } = await api('POST', '/api/credentials', {
    name: `ref ${crypto.randomUUID().slice(0, 8)}`,
    type: 'vault_ref',
    extra: {
      vault: 'team vault',
      path: 'app/db',
      as_type: 'http_basic',
      fields: { password: 'pass' },
      extra_fields: { username: 'user' },
      mode: 'read_through',
      ...extra,
    },
  })
  expect(status).toBe(201)
  return body
}

const use = (id: string) => broker.use(project.projectId, id)
const passwordOf = async (id: string) => (await use(id)).body.secret?.password
const logOf = async (id: string) =>
  (await broker.accessLog())
    .filter((row) => row.credential_uuid === id)
    .map((row) => [row.access_type, row.success, row.accessed_by, row.reason])

test('000.40 a secret of a vault is lent as what it is there, and each use has its row', async () => {
  const { id } = await createReference()
  const { status, body } = await use(id)
  expect([status, body]).toMatchObject([
    200,
    {
      id,
      type: 'http_basic',
      secret: { password: 'first-Passw0rd' },
      extra: { username: 'reader' },
      redact: ['first-Passw0rd'],
      http: { headers: { authorization: `Basic ${btoa('reader:first-Passw0rd')}` } },
    },
  ])
  await use(id)
  expect(await logOf(id)).toEqual([
    ['create', true, expect.any(String), null],
    ['read', true, 'executor', null],
    ['read', true, 'executor', null],
  ])
})

test('it is read once within its time, however many ask at once, and again after it', async () => {
  const { id } = await createReference({ ttl_seconds: 60 })
  const before = vault.readsOf('app/db')
  const answers = await Promise.all(Array.from({ length: 12 }, () => passwordOf(id)))
  expect(new Set(answers)).toEqual(new Set(['first-Passw0rd']))
  expect(vault.readsOf('app/db') - before).toBe(1)
  await vault.put('app/db', { user: 'reader', pass: 'second-Passw0rd' })
  nowMs += 59_000
  expect(await passwordOf(id)).toBe('first-Passw0rd')
  nowMs += 1_000
  expect(await passwordOf(id)).toBe('second-Passw0rd')
  expect(vault.readsOf('app/db') - before).toBe(2)
})

test('a changed reference or vault uses nothing that was read by the former one', async () => {
  await vault.put('app/other', { user: 'reader', pass: 'other-Passw0rd' })
  const { id, extra } = await createReference({ ttl_seconds: 3600 })
  expect(await passwordOf(id)).toBe('first-Passw0rd')
  await api('PUT', `/api/credentials/${id}`, { extra: { ...(extra as object), path: 'app/other' } })
  expect(await passwordOf(id)).toBe('other-Passw0rd')
  const [{ id: vaultId } = { id: '' }] = (await api('GET', '/api/vaults')).body.items
  await api('PUT', `/api/vaults/${vaultId}`, { settings: vault.settings, auth: { token: 'no-such-token' } })
  expect((await use(id)).body.code).toBe('vault_forbidden')
})

test('a sealed vault is 503 vault_sealed, and an old secret is used only where that is allowed, and so long', async () => {
  const strict = await createReference({ ttl_seconds: 0 })
  const lenient = await createReference({ ttl_seconds: 10, allow_stale_seconds: 50 })
  await passwordOf(strict.id)
  await passwordOf(lenient.id)
  nowMs += 20_000
  vault.peer.setSealed(true)
  const refused = await use(strict.id)
  expect([refused.status, refused.body.code]).toEqual([503, 'vault_sealed'])
  expect(await passwordOf(lenient.id)).toBe('first-Passw0rd')
  nowMs += 40_000
  expect((await use(lenient.id)).body.code).toBe('vault_sealed')
  expect((await logOf(strict.id)).at(-1)).toEqual(['read', false, 'executor', null])
})

test('an old secret is not used once the vault refuses or no longer has it', async () => {
  const { id } = await createReference({ ttl_seconds: 0, allow_stale_seconds: 3600 })
  await passwordOf(id)
  await vault.forget('app/db')
  expect((await use(id)).body.code).toBe('vault_secret_not_found')
  vault.peer.setSealed(true)
  expect((await use(id)).body.code).toBe('vault_sealed')
})

test.each([
  [{ fields: { password: 'nope' } }, 'vault_secret_unfit', 'no key nope'],
  [{ fields: { pasword: 'pass' } }, 'vault_secret_unfit', 'As http_basic'],
  [{ extra_fields: { username: 'colon' } }, 'vault_secret_unfit', 'extra.username'],
  [{ path: '../sys' }, 'vault_secret_not_found', 'path'],
  [{ path: 'app/none' }, 'vault_secret_not_found', 'no such secret'],
  [{ vault: 'nowhere' }, 'vault_secret_not_found', 'no such vault'],
  [{ as_type: 'db_dsn', fields: { dsn: 'pass' }, extra_fields: undefined }, 'vault_secret_unfit', 'dsn'],
])('a reference with %j is %s', async (extra, code, detail) => {
  await vault.put('app/db', { user: 'reader', pass: 'first-Passw0rd', colon: 'hidden:colon' })
  const { id } = await createReference(extra)
  const { status, body, text } = await use(id)
  expect([status, body.code, body.detail]).toEqual([502, code, expect.stringContaining(detail)])
  expect(text).not.toMatch(/first-Passw0rd|hidden:colon/)
})

test('a test of the credential reads its vault now, and says in whose terms it failed', async () => {
  const { id } = await createReference({ ttl_seconds: 3600 })
  const tested = async () => (await api('POST', `/api/credentials/${id}/test`)).body
  expect(await tested()).toMatchObject({ ok: true })
  await vault.forget('app/db')
  expect(await tested()).toMatchObject({ ok: false, code: 'credential_unusable' })
  expect((await logOf(id)).filter(([type]) => type === 'read')).toHaveLength(2)
})

const synchronised = { mode: 'synchronised', interval_seconds: 60 }
const syncOf = async (id: string, method = 'GET') => (await api(method, `/api/credentials/${id}/sync`)).body
const synchronise = () => syncDueCredentials(broker.deps, broker.deps.log)

test('000.41 a synchronised credential is copied at its first use, encrypted, and lent while the vault is down', async () => {
  const { id } = await createReference(synchronised)
  expect(await syncOf(id)).toMatchObject({ state: 'pending', last_synced_at: null })
  const before = vault.readsOf('app/db')
  const answers = await Promise.all(Array.from({ length: 8 }, () => passwordOf(id)))
  expect(new Set(answers)).toEqual(new Set(['first-Passw0rd']))
  expect(vault.readsOf('app/db') - before).toBe(1)
  expect(await syncOf(id)).toMatchObject({ state: 'in_sync', synced_version: '1', vault_version: '1' })
  vault.peer.setSealed(true)
  nowMs += 3_600_000
  expect(await passwordOf(id)).toBe('first-Passw0rd')
  const { rows } = await broker.owner.query('SELECT * FROM secrets.vault_copies')
  expect(JSON.stringify(rows)).not.toContain('first-Passw0rd')
  expect((await logOf(id)).slice(1, 2)).toEqual([['update', true, 'executor', 'first synchronisation']])
})

test('000.41 what changed in the vault is taken when its time has come, and not before', async () => {
  const { id } = await createReference(synchronised)
  await synchronise()
  expect(await passwordOf(id)).toBe('first-Passw0rd')
  await vault.put('app/db', { user: 'reader', pass: 'second-Passw0rd' })
  nowMs += 59_000
  await synchronise()
  expect(await passwordOf(id)).toBe('first-Passw0rd')
  nowMs += 1_000
  await synchronise()
  expect(await passwordOf(id)).toBe('second-Passw0rd')
  expect(await syncOf(id)).toMatchObject({
    state: 'in_sync',
    synced_version: '2',
    last_synced_at: new Date(nowMs).toISOString(),
    next_check_at: new Date(nowMs + 60_000).toISOString(),
  })
  expect((await logOf(id)).filter(([, , by]) => by === 'secrets-broker')).toEqual([
    ['update', true, 'secrets-broker', 'vault synchronisation'],
    ['update', true, 'secrets-broker', 'vault synchronisation'],
  ])
})

test('000.41 where a change is only reported it waits, shown as drift, until somebody asks for it', async () => {
  const { id } = await createReference({ ...synchronised, on_change: 'report' })
  await synchronise()
  await vault.put('app/db', { user: 'reader', pass: 'second-Passw0rd' })
  nowMs += 60_000
  await synchronise()
  expect(await syncOf(id)).toMatchObject({ state: 'changed', synced_version: '1', vault_version: '2' })
  expect(await passwordOf(id)).toBe('first-Passw0rd')
  expect(await syncOf(id, 'POST')).toMatchObject({ state: 'in_sync', synced_version: '2' })
  expect(await passwordOf(id)).toBe('second-Passw0rd')
})

test('000.41 what is missing in the vault, unfit or out of reach is marked, and never deletes ours', async () => {
  const { id } = await createReference(synchronised)
  await synchronise()
  const marked = async (state: string, error: string | null) => {
    nowMs += 60_000
    await synchronise()
    expect(await syncOf(id)).toMatchObject({ state, last_error: error, synced_version: '1' })
    expect(await passwordOf(id)).toBe('first-Passw0rd')
  }
  await vault.forget('app/db')
  await marked('missing', 'vault_secret_not_found')
  await vault.put('app/db', { user: 'reader', pass: 'x' })
  await marked('error', 'vault_secret_unfit')
  vault.peer.setSealed(true)
  await marked('error', 'vault_sealed')
  vault.peer.setSealed(false)
  await vault.put('app/db', { user: 'reader', pass: 'third-Passw0rd' })
  nowMs += 60_000
  await synchronise()
  expect([await passwordOf(id), (await syncOf(id)).state]).toEqual(['third-Passw0rd', 'in_sync'])
})

test('a credential that points elsewhere now is not lent what the former place had', async () => {
  const { id, extra } = await createReference(synchronised)
  await synchronise()
  await api('PUT', `/api/credentials/${id}`, { extra: { ...(extra as object), path: 'app/none' } })
  expect((await use(id)).body.code).toBe('vault_secret_not_found')
})

test('a credential that points elsewhere takes what is there at once, be it the same or only to be reported', async () => {
  const { id, extra } = await createReference({ ...synchronised, on_change: 'report' })
  await synchronise()
  for (const [path, pass] of [
    ['app/same', 'first-Passw0rd'],
    ['app/different', 'other-Passw0rd'],
  ] as const) {
    await vault.put(path, { user: 'reader', pass })
    await api('PUT', `/api/credentials/${id}`, { extra: { ...(extra as object), path } })
    expect([await passwordOf(id), (await syncOf(id)).state]).toEqual([pass, 'in_sync'])
  }
})

test('a due credential is claimed by one broker only, and a deleted or inactive one by none', async () => {
  const ids = await Promise.all([1, 2, 3, 4, 5].map(async () => (await createReference(synchronised)).id))
  await api('DELETE', `/api/credentials/${ids[3]}`)
  await api('PUT', `/api/credentials/${ids[4]}`, { is_active: false })
  const now = new Date(nowMs)
  const claimedUntil = new Date(nowMs + 60_000)
  const claim = async (client: pg.PoolClient, limit: number) =>
    (await claimDueCredentials(client, { now, claimedUntil, limit })).map(({ id }) => id)
  await claimDueCredentials(broker.deps.pool, { now, claimedUntil: now, limit: 0 })
  const [one, other] = await Promise.all([broker.owner.connect(), broker.owner.connect()])
  try {
    await one.query('BEGIN')
    await other.query("BEGIN; SET LOCAL lock_timeout = '2s'")
    const first = await claim(one, 2)
    // The first has not committed: the second waits for nothing, and takes what is left.
    const second = await claim(other, 100)
    await Promise.all([one.query('COMMIT'), other.query('COMMIT')])
    expect(first).toHaveLength(2)
    expect([...first, ...second].filter((id) => ids.includes(id)).sort()).toEqual(ids.slice(0, 3).sort())
  } finally {
    one.release()
    other.release()
  }
})

test('only a synchronised credential has a synchronisation', async () => {
  const { id } = await createReference()
  for (const method of ['GET', 'POST']) {
    const { status, body } = await api(method, `/api/credentials/${id}/sync`)
    expect([status, body.code]).toEqual([409, 'conflict'])
  }
})

test('no copy without its row: where the access log cannot be written nothing is stored and nothing lent', async () => {
  const { id } = await createReference(synchronised)
  await broker.owner.query('REVOKE INSERT ON secrets.credential_access_log FROM svc_secrets_broker')
  try {
    expect((await use(id)).status).toBe(503)
  } finally {
    await broker.owner.query('GRANT INSERT ON secrets.credential_access_log TO svc_secrets_broker')
  }
  expect((await syncOf(id)).state).toBe('pending')
})
