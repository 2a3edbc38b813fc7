import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { createLog } from '@opsconductor/service-kit'
import { testInternalKey } from '@opsconductor/test-peers'
import { readRows, selectHead } from '../src/access-log/store.ts'
import { verifyChain } from '../src/access-log/verify-chain.ts'
import { createDeps } from '../src/deps.ts'
import { type RunningBroker, startBroker } from './running-broker.ts'

let broker: RunningBroker
let project: Awaited<ReturnType<RunningBroker['createProject']>>
const clock = { now: () => new Date() }
beforeAll(async () => {
  broker = await startBroker(
    { LOG_LEVEL: 'silent', VAULTS_ALLOW_LOOPBACK: 'true' },
    { now: () => clock.now() },
  )
})
afterAll(() => broker.stop())
beforeEach(async () => {
  project = await broker.createProject()
  await broker.owner.query('DELETE FROM secrets.host_credentials')
})

const host = { host: 'web-01', purpose: 'ssh' }
const password = 'Passw0rd-of-the-host'
const upsert = (more: object = {}) =>
  broker.internal('POST', '/internal/secrets/credential-upsert', { ...host, password, ...more })
const lookup = (more: object = {}) =>
  broker.internal('POST', '/internal/secrets/credential-lookup', { ...host, ...more })
const api = (method: string, path: string, body?: unknown) => broker.api(method, path, project.asOwner, body)

async function createCredential(secret: string, more: object = {}): Promise<string> {
  const name = `c ${randomUUID().slice(0, 8)}`
  const { status, body } = await api('POST', '/api/credentials', {
    name,
    type: 'bearer_token',
    secret,
    ...more,
  })
  expect(status).toBe(201)
  return body.id
}
const use = (id: string) =>
  broker.internal(
    'POST',
    `/internal/secrets/credentials/${id}/use`,
    broker.executor.useOf(project.projectId, id),
  )

// --- The seed's own examples ----------------------------------------------------------------------------------------

/** Seed 003, "cURL (Internal API)", verbatim but for the line that sets the key. */
const examples = `
# Upsert credential
curl -X POST http://automation-service:3003/internal/secrets/credential-upsert \\
  -H "X-Internal-Key: $INTERNAL_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{
    "host": "192.168.50.211",
    "purpose": "winrm",
    "username": "Administrator",
    "password": "SecurePass123",
    "domain": "CORP"
  }'

# Lookup credential
curl -X POST http://automation-service:3003/internal/secrets/credential-lookup \\
  -H "X-Internal-Key: $INTERNAL_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{
    "host": "192.168.50.211",
    "purpose": "winrm"
  }'

# Delete credential
curl -X DELETE "http://automation-service:3003/internal/secrets/credential-delete?host=192.168.50.211&purpose=winrm" \\
  -H "X-Internal-Key: $INTERNAL_KEY"
`

/** Runs one of the examples in a shell, with curl's own options for a script in a file of its own. */
function runExample(title: string): Promise<unknown> {
  const from = examples.indexOf(`# ${title}\n`)
  const end = examples.indexOf('\n# ', from + 1)
  const script = examples
    .slice(from, end === -1 ? undefined : end)
    .replaceAll('http://automation-service:3003', broker.internalUrl)
  expect(script).toContain('curl -X')
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env.PATH, INTERNAL_KEY: testInternalKey }
    execFile('sh', ['-c', script], { env, timeout: 20_000 }, (error, stdout) =>
      error ? reject(error) : resolve(JSON.parse(stdout)),
    )
  })
}

test('003.01 003.02 003.03 003.04 003.05 the seed’s curl examples run verbatim, with the answers that it gives', async () => {
  const key = { host: '192.168.50.211', purpose: 'winrm' }
  const first = await runExample('Upsert credential')
  expect(first).toEqual({ success: true, credential_id: expect.any(Number), ...key })
  expect(await runExample('Upsert credential')).toEqual(first)
  expect(await runExample('Lookup credential')).toEqual({
    ...key,
    ...{ username: 'Administrator', password: 'SecurePass123', domain: 'CORP', additional_data: {} },
  })
  expect(await runExample('Delete credential')).toEqual({ success: true, ...key })
  expect(await runExample('Lookup credential')).toEqual({ reason: 'not_found' })
  expect(await runExample('Delete credential')).toEqual({ reason: 'not_found' })
})

// --- Damage in the database -----------------------------------------------------------------------------------------

/** Each makes of a good ciphertext a bad one, in SQL. */
const damages: [string, (column: string) => string][] = [
  [
    'cut by a byte',
    (c) =>
      `encode(substring(decode(${c}, 'base64') FROM 1 FOR length(decode(${c}, 'base64')) - 1), 'base64')`,
  ],
  ['cut to its nonce', (c) => `encode(substring(decode(${c}, 'base64') FROM 1 FOR 12), 'base64')`],
  ['with a bit of its nonce flipped', (c) => flipped(c, '0')],
  ['with a bit of its text flipped', (c) => flipped(c, '12 * 8')],
  ['with the last bit of its tag flipped', (c) => flipped(c, `length(decode(${c}, 'base64')) * 8 - 1`)],
  ['not base64', (c) => `'*' || ${c}`],
  ['with a line end after it', (c) => `${c} || E'\\n'`],
  ['empty', () => `''`],
]
const flipped = (c: string, bit: string) =>
  `translate(encode(set_bit(decode(${c}, 'base64'), ${bit}, 1 - get_bit(decode(${c}, 'base64'), ${bit})), 'base64'), E'\\n', '')`

const failed = { status: 500, code: 'decryption_failed', detail: 'Failed to decrypt credential' }
const shownOf = ({ status, body: { code, detail } }: Awaited<ReturnType<typeof use>>) => ({
  status,
  code,
  detail,
})

test.each(damages)(
  '003.18 a ciphertext %s is never opened: host credential, credential, version and data key',
  async (_, damage) => {
    const change = (table: string, column: string, where: string, value: unknown) =>
      broker.owner.query(`UPDATE secrets.${table} SET ${column} = ${damage(column)} WHERE ${where} = $1`, [
        value,
      ])
    await upsert()
    await change('host_credentials', 'password_encrypted', 'host', host.host)
    expect(shownOf(await lookup())).toEqual(failed)

    const id = await createCredential('the-first-secret')
    await api('PUT', `/api/credentials/${id}`, { secret: 'the-second-secret' })
    await change('credential_versions', 'secret_encrypted', 'credential_id', id)
    expect(shownOf(await api('POST', `/api/credentials/${id}/rollback`, { version: 1 }))).toEqual(failed)
    expect((await use(id)).body.secret).toEqual({ token: 'the-second-secret' })
    await change('credentials', 'secret_encrypted', 'id', id)
    expect(shownOf(await use(id))).toEqual(failed)

    const other = await createCredential('the-other-secret')
    await change('data_keys', 'wrapped_key', 'project_id', project.projectId)
    const place = { id: other, projectId: project.projectId, table: 'secrets.credentials' }
    await expect(inFreshProcess((deps) => deps.cipher.seal(place, 'x'))).rejects.toMatchObject({
      code: 'decryption_failed',
    })
    const { rows } = await broker.owner.query(
      'SELECT secret_encrypted, key_id FROM secrets.credentials WHERE id = $1',
      [other],
    )
    const sealed = { ciphertext: rows[0].secret_encrypted, keyId: rows[0].key_id }
    await expect(inFreshProcess((deps) => deps.cipher.open(place, sealed))).rejects.toMatchObject({
      code: 'decryption_failed',
    })
  },
)

/** As after a restart: nothing that was opened before is remembered. */
async function inFreshProcess<T>(
  work: (deps: Awaited<ReturnType<typeof createDeps>>) => Promise<T>,
): Promise<T> {
  const deps = await createDeps(broker.config, { log: createLog('secrets-broker', 'silent') })
  try {
    await deps.keyring.load()
    return await work(deps)
  } finally {
    await deps.dispose()
  }
}

/** Exchanges a column between two rows. */
const swap = (table: string, columns: string[], key: string, a: unknown, b: unknown) =>
  broker.owner.query(
    `UPDATE secrets.${table} x SET (${columns}) = (SELECT ${columns} FROM secrets.${table} y WHERE y.${key} IN ($1, $2) AND y.${key} <> x.${key})
     WHERE x.${key} IN ($1, $2)`,
    [a, b],
  )

test('001.13 003.18 ciphertexts that were swapped between rows do not open: credentials, versions, data keys, vaults', async () => {
  const [a, b] = [await createCredential('secret-of-a'), await createCredential('secret-of-b')]
  for (const id of [a, b]) await api('PUT', `/api/credentials/${id}`, { secret: `next-secret-${id}` })
  await swap('credential_versions', ['secret_encrypted'], 'credential_id', a, b)
  expect(shownOf(await api('POST', `/api/credentials/${a}/rollback`, { version: 1 }))).toEqual(failed)
  // A former version in the place of the present one is no more the credential's than another's.
  await broker.owner.query(
    `UPDATE secrets.credentials c SET secret_encrypted = v.secret_encrypted FROM secrets.credential_versions v
     WHERE v.credential_id = $1 AND c.id = $2`,
    [b, a],
  )
  expect(shownOf(await use(a))).toEqual(failed)
  expect((await use(b)).status).toBe(200)

  const vaultBody = (name: string) => ({
    ...{
      name,
      provider: 'hashicorp-vault',
      settings: { url: 'http://127.0.0.1:1' },
      auth: { token: `token-of-${name}` },
    },
  })
  const vaults = [
    await api('POST', '/api/vaults', vaultBody('v')),
    await api('POST', '/api/vaults', vaultBody('w')),
  ]
  expect(vaults.map(({ status }) => status)).toEqual([201, 201])
  await swap('vaults', ['auth_encrypted'], 'name', 'v', 'w')
  const tested = await api('POST', `/api/vaults/${vaults[0]?.body.id}/test`, {})
  expect(tested.text).toContain('decryption_failed')

  const former = project
  project = await broker.createProject()
  const elsewhere = await createCredential('secret-of-another-project')
  await swap('data_keys', ['wrapped_key'], 'project_id', former.projectId, project.projectId)
  for (const [id, projectId] of [
    [b, former.projectId],
    [elsewhere, project.projectId],
  ] as const) {
    const { rows } = await broker.owner.query(
      'SELECT secret_encrypted, key_id FROM secrets.credentials WHERE id = $1',
      [id],
    )
    const place = { id, projectId, table: 'secrets.credentials' }
    const sealed = { ciphertext: rows[0].secret_encrypted, keyId: rows[0].key_id }
    await expect(inFreshProcess((deps) => deps.cipher.open(place, sealed))).rejects.toMatchObject({
      code: 'decryption_failed',
    })
  }
})

test.each([randomUUID(), '0000000000000000', '', "'; --", '../x', '🔑'])(
  '003.18 a row under the unknown key %j is not opened, whichever table it is in',
  async (keyId) => {
    await upsert()
    const id = await createCredential('the-first-secret')
    await broker.owner.query('UPDATE secrets.host_credentials SET key_id = $1', [keyId])
    await broker.owner.query('UPDATE secrets.credentials SET key_id = $1 WHERE id = $2', [keyId, id])
    expect(shownOf(await lookup())).toEqual(failed)
    expect(shownOf(await use(id))).toEqual(failed)
    const log = await broker.accessLog()
    expect(log.slice(-2).map(({ success, error_message }) => [success, error_message])).toEqual(
      Array(2).fill([false, 'Failed to decrypt credential']),
    )
  },
)

test('003.18 canaries that were swapped between the keys are a key that is refused at start', async () => {
  await swap('master_keys', ['canary_encrypted'], 'key_use', 'host_credentials', 'credentials')
  await expect(inFreshProcess(async () => {})).rejects.toThrow(/is not the key that encrypted the stored/)
  expect((await broker.internal('GET', '/readyz', undefined, null)).status).toBe(503)
  await swap('master_keys', ['canary_encrypted'], 'key_use', 'host_credentials', 'credentials')
  expect((await broker.internal('GET', '/readyz', undefined, null)).status).toBe(200)
})

// --- Requests -------------------------------------------------------------------------------------------------------

test('a name given twice is refused by name, whichever of the two a parser would take, and nothing is written', async () => {
  const text = (inner: string) => `{"host":"web-01","purpose":"ssh",${inner}}`
  for (const [inner, path] of [
    ['"password":"first-passw0rd","password":"second-passw0rd"', 'body.password'],
    ['"password":"first-passw0rd","pass\\u0077ord":"second-passw0rd"', 'body.password'],
    ['"host":"web-02"', 'body.host'],
    ['"additional_data":{"a":[{"b":1,"b":1}]}', 'body.additional_data.a[0].b'],
  ]) {
    const answer = await broker.internal('POST', '/internal/secrets/credential-upsert', text(inner as string))
    expect([answer.status, answer.body.errors[0]?.path]).toEqual([400, path])
    expect(answer.text).not.toContain('passw0rd')
  }
  expect((await broker.owner.query('SELECT FROM secrets.host_credentials')).rowCount).toBe(0)
})

test('003.19 hosts that only look alike have their own passwords side by side, and each is found by exactly itself', async () => {
  const alike = [
    'web-01',
    'WEB-01',
    'Web-01',
    ' web-01',
    'web-01 ',
    'web -01',
    'web-01.',
    'ｗeb-01',
    'web\u200b-01',
    'e\u0301',
    '\u00e9',
    'ß',
    'SS',
  ]
  for (const [i, name] of alike.entries()) await upsert({ host: name, password: `Passw0rd-${i}` })
  for (const [i, name] of alike.entries()) {
    const { body } = await lookup({ host: name })
    expect([name, body.host, body.password]).toEqual([name, name, `Passw0rd-${i}`])
  }
  const batch = await broker.internal('POST', '/internal/secrets/credential-lookup-batch', {
    lookups: alike.map((name) => ({ host: name, purpose: 'ssh' })),
  })
  expect((batch.body.results as { password: string }[]).map((one) => one.password)).toEqual(
    alike.map((_, i) => `Passw0rd-${i}`),
  )
})

test('a clock that jumps lends nothing that has expired, and the log stays one chain in the order of what happened', async () => {
  const dayMs = 86_400_000
  const at = (days: number) => {
    const moment = Date.now() + days * dayMs
    clock.now = () => new Date(moment)
  }
  const id = await createCredential('the-first-secret', {
    expires_at: new Date(Date.now() + dayMs).toISOString(),
  })
  const statuses: number[] = []
  for (const days of [0, 2, -400, 2, 36_500, 0]) {
    at(days)
    statuses.push((await use(id)).status)
  }
  clock.now = () => new Date()
  expect(statuses).toEqual([200, 409, 200, 409, 409, 200])
  const times = (await broker.accessLog()).slice(-6).map(({ accessed_at }) => (accessed_at as Date).getTime())
  expect(times).not.toEqual([...times].sort((a, b) => a - b))
  const head = await selectHead(broker.owner)
  expect(await verifyChain(readRows(broker.owner), { head })).toMatchObject({ intact: true })
})
