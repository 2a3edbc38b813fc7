import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { type FurnishedVault, startFurnishedVault } from './furnished-vault.ts'
import { type RunningBroker, startBroker } from './running-broker.ts'

let broker: RunningBroker
let vault: FurnishedVault
let project: Awaited<ReturnType<RunningBroker['createProject']>>
beforeAll(async () => {
  broker = await startBroker({ VAULTS_ALLOW_LOOPBACK: 'true' })
  vault = await startFurnishedVault()
})
afterAll(async () => {
  await broker.stop()
  await vault.close()
})
beforeEach(async () => {
  project = await broker.createProject()
})

const given = () => ({
  name: 'team vault',
  provider: 'hashicorp-vault',
  settings: vault.settings,
  auth: vault.auth,
})
const api = (method: string, path: string, body?: unknown) => broker.api(method, path, project.asOwner, body)
const createVault = async (more: object = {}) =>
  (await api('POST', '/api/vaults', { ...given(), ...more })).body
const createReference = (extra: object = {}) =>
  api('POST', '/api/credentials', {
    name: 'from the vault',
    type: 'vault_ref',
    extra: { vault: 'team vault', path: 'app/db', as_type: 'bearer_token', mode: 'read_through', ...extra },
  })

test('000.40 a vault is stored, shown, listed, changed and deleted; its auth is in no answer, row or log line', async () => {
  const created = await api('POST', '/api/vaults', given())
  expect(created.status).toBe(201)
  const { id } = created.body
  expect(created.headers.location).toBe(`/api/vaults/${id}`)
  expect(created.body).toMatchObject({
    project_id: project.projectId,
    name: 'team vault',
    provider: 'hashicorp-vault',
    settings: { ...vault.settings, approle_mount: 'approle' },
    version: 1,
  })
  const shown = await api('GET', `/api/vaults/${id}`)
  expect(shown.body).toEqual(created.body)
  await createVault({ name: 'another' })
  const listed = await api('GET', '/api/vaults?limit=1')
  expect(listed.body.items.map(({ name }) => name)).toEqual(['another'])
  const next = await api('GET', `/api/vaults?limit=1&cursor=${listed.body.next_cursor}`)
  expect(next.body.items.map(({ name }) => name)).toEqual(['team vault'])
  expect((await api('GET', '/api/vaults?name=team%20vault')).body.items).toHaveLength(1)
  const changed = await api('PUT', `/api/vaults/${id}`, { name: 'renamed', description: 'of team A' })
  expect([changed.status, changed.body]).toMatchObject([200, { name: 'renamed', version: 2 }])
  expect((await api('DELETE', `/api/vaults/${id}`)).status).toBe(204)
  expect((await api('GET', `/api/vaults/${id}`)).status).toBe(404)
  const rows = await broker.owner.query('SELECT * FROM secrets.vaults')
  for (const text of [
    created.text,
    shown.text,
    listed.text,
    changed.text,
    JSON.stringify(rows.rows),
    broker.logged(),
  ])
    for (const secret of Object.values(vault.auth)) expect(text).not.toContain(secret)
})

test('each operation on a vault has its row in the access log, a refused one too', async () => {
  await broker.owner.query('TRUNCATE secrets.credential_access_log')
  const { id } = await createVault()
  await createVault()
  await api('PUT', `/api/vaults/${id}`, { description: 'x' })
  await api('POST', `/api/vaults/${id}/test`, { path: 'app/none' })
  await api('DELETE', `/api/vaults/${id}`)
  const rows = (await broker.accessLog()).map((row) => [row.access_type, row.host, row.purpose, row.success])
  expect(rows).toEqual([
    ['create', 'team vault', 'vault', true],
    ['create', 'team vault', 'vault', false],
    ['update', 'team vault', 'vault', true],
    ['read', 'team vault', 'vault', false],
    ['delete', 'team vault', 'vault', true],
  ])
})

test.each([
  [{ provider: 'keepass' }, 'body.provider'],
  [{ settings: {} }, 'body.settings.url'],
  [{ settings: { url: 'http://vault.example.com' } }, 'body.settings.url'],
  [{ settings: { url: 'https://169.254.169.254' } }, 'body.settings.url'],
  [{ settings: { url: 'https://user:pw@vault.example.com' } }, 'body.settings.url'],
  [{ settings: { url: 'https://vault.example.com', kv_version: 3 } }, 'body.settings.kv_version'],
  [{ settings: { url: 'https://vault.example.com', mount: '../sys' } }, 'body.settings.mount'],
  [{ settings: { url: 'https://vault.example.com', ca_pem: 'none' } }, 'body.settings.ca_pem'],
  [{ auth: {} }, 'body.auth'],
  [{ auth: { token: 'line\r\nbreak' } }, 'body.auth.token'],
  [{ name: 'a\0b' }, 'body.name'],
  [{ surplus: 1 }, 'body'],
])('a vault with %j is refused, naming %s and quoting no value', async (more, path) => {
  const { status, body, text } = await api('POST', '/api/vaults', { ...given(), ...more })
  expect([status, body.errors.map((error) => error.path)]).toEqual([422, expect.arrayContaining([path])])
  expect(text).not.toMatch(/line|user:pw/)
})

test('new settings need the auth again, so that nobody has the stored one sent elsewhere', async () => {
  const { id } = await createVault()
  const settings = { ...vault.settings, url: 'https://attacker.example.com' }
  const refused = await api('PUT', `/api/vaults/${id}`, { settings })
  expect([refused.status, refused.body.errors[0]?.path]).toEqual([422, 'body.auth'])
  const changed = await api('PUT', `/api/vaults/${id}`, { settings, auth: { token: 'another-token' } })
  expect([changed.status, changed.body.settings]).toMatchObject([200, { url: settings.url }])
})

test('a vault that credentials read from is neither deleted nor renamed away from them', async () => {
  const { id } = await createVault()
  expect((await createReference()).status).toBe(201)
  for (const [method, body] of [
    ['DELETE', undefined],
    ['PUT', { name: 'other' }],
  ] as const) {
    const refused = await api(method, `/api/vaults/${id}`, body)
    expect([refused.status, refused.body.detail]).toEqual([
      409,
      expect.stringContaining('1 credential reads'),
    ])
  }
})

test('another project’s vault is 404, and no credential can read from it', async () => {
  const { id } = await createVault()
  const other = await broker.createProject()
  for (const [method, path] of [
    ['GET', `/api/vaults/${id}`],
    ['PUT', `/api/vaults/${id}`],
    ['DELETE', `/api/vaults/${id}`],
    ['POST', `/api/vaults/${id}/test`],
  ] as const) {
    const { status } = await broker.api(method, path, other.asOwner, method === 'GET' ? undefined : {})
    expect([method, status]).toEqual([method, 404])
  }
  project = other
  const reference = await createReference({ vault: id })
  const tested = await api('POST', `/api/credentials/${reference.body.id}/test`)
  expect(tested.body).toMatchObject({ ok: false, code: 'credential_unusable' })
})

test('a test says that the vault lets us in, which keys a secret has, and what is wrong; never a value', async () => {
  await vault.put('app/tested', { token: 'value-that-is-secret', user: 'u' })
  const { id } = await createVault()
  const test_ = (body?: object) => api('POST', `/api/vaults/${id}/test`, body)
  expect((await test_()).body).toMatchObject({ ok: true, keys: null })
  const read = await test_({ path: 'app/tested' })
  expect(read.body).toMatchObject({ ok: true, keys: ['token', 'user'], version: '1' })
  expect(read.text).not.toContain('value-that-is-secret')
  expect((await test_({ path: '../sys' })).body).toMatchObject({ ok: false, code: 'vault_secret_not_found' })
  expect((await test_({ path: 'other/secret' })).body).toMatchObject({ ok: false, code: 'vault_forbidden' })
  vault.peer.setSealed(true)
  expect((await test_()).body).toMatchObject({ ok: false, code: 'vault_sealed' })
  vault.peer.setSealed(false)
})

test('what proves who we are does not open from another row', async () => {
  const { id } = await createVault()
  const other = await createVault({ name: 'other', auth: { token: 'another-token' } })
  await broker.owner.query(
    `UPDATE secrets.vaults SET (auth_encrypted, key_id) = (SELECT auth_encrypted, key_id FROM secrets.vaults WHERE id = $2)
     WHERE id = $1`,
    [id, other.id],
  )
  const { status, body } = await api('POST', `/api/vaults/${id}/test`)
  expect([status, body.code]).toEqual([500, 'decryption_failed'])
})

test('reads and checks of vaults are counted by provider and outcome, and timed', async () => {
  const text = await broker.deps.metrics.registry.metrics()
  expect(text).toMatch(/secrets_vault_requests_total\{provider="hashicorp-vault",outcome="ok"\} [1-9]/)
  expect(text).toMatch(
    /secrets_vault_requests_total\{provider="hashicorp-vault",outcome="vault_sealed"\} [1-9]/,
  )
  expect(text).toMatch(/secrets_vault_request_seconds_count\{provider="hashicorp-vault"\} [1-9]/)
})
