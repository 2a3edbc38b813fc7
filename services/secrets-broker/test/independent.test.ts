import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type FurnishedVault, startFurnishedVault } from './furnished-vault.ts'
import { credKey, kmsKey, type RunningBroker, startBroker } from './running-broker.ts'

// Written from the format in infra/decisions/0010 alone, on WebCrypto: what reads a backup when there is no broker.

const { subtle } = globalThis.crypto
const utf8 = new TextEncoder()

async function masterKey(passphrase: string): Promise<Uint8Array<ArrayBuffer>> {
  const material = await subtle.importKey('raw', utf8.encode(passphrase), 'PBKDF2', false, ['deriveBits'])
  const salt = utf8.encode('opsconductor-secrets-v1')
  return new Uint8Array(
    await subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', iterations: 100_000, salt }, material, 256),
  )
}

const toHex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

async function idOf(key: Uint8Array<ArrayBuffer>): Promise<string> {
  return toHex(new Uint8Array(await subtle.digest('SHA-256', key))).slice(0, 16)
}

/** The bytes that `stored` holds; `aad` is the JSON array, or the text, that it is bound to. */
async function open(
  key: Uint8Array<ArrayBuffer>,
  stored: string,
  aad?: unknown[] | string,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = Uint8Array.from(atob(stored), (char) => char.charCodeAt(0))
  const aes = await subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt'])
  const bound =
    aad === undefined
      ? {}
      : { additionalData: utf8.encode(typeof aad === 'string' ? aad : JSON.stringify(aad)) }
  const options = { name: 'AES-GCM', iv: bytes.subarray(0, 12), tagLength: 128, ...bound }
  return new Uint8Array(await subtle.decrypt(options, aes, bytes.subarray(12)))
}

const textOf = (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true }).decode(bytes)
const openText = async (key: Uint8Array<ArrayBuffer>, stored: string, aad?: unknown[]) =>
  textOf(await open(key, stored, aad))

// --- What is stored -------------------------------------------------------------------------------------------------

const newKey = 'the-next-kms-key-for-tests-012345'
const password = 'Pässword of the host 🔑'
const first = { username: 'u', password: 'the-first-secret' }

let broker: RunningBroker
let vault: FurnishedVault
let projectId: string
let sealed: { place: { id: string; table: string }; ciphertext: string; key_id: string }
beforeAll(async () => {
  broker = await startBroker({ LOG_LEVEL: 'silent', VAULTS_ALLOW_LOOPBACK: 'true' })
  vault = await startFurnishedVault()
  await vault.put('app/db', { value: 'token-of-the-vault' })
  const project = await broker.createProject()
  projectId = project.projectId
  const api = async (method: string, path: string, body: object) => {
    const answer = await broker.api(method, path, project.asOwner, body)
    expect([path, answer.status]).toEqual([path, method === 'POST' && !path.endsWith('/sync') ? 201 : 200])
    return answer.body
  }
  const host = { host: 'web-01', purpose: 'ssh', password }
  await broker.internal('POST', '/internal/secrets/credential-upsert', host)
  const { id } = await api('POST', '/api/credentials', {
    ...{ name: 'c', type: 'http_basic', secret: first.password, extra: { username: first.username } },
  })
  await api('PUT', `/api/credentials/${id}`, { secret: 'the-second-secret' })
  const { settings, auth } = vault
  await api('POST', '/api/vaults', { name: 'v', provider: 'hashicorp-vault', settings, auth })
  const extra = { vault: 'v', path: 'app/db', as_type: 'bearer_token', mode: 'synchronised' }
  const reference = await api('POST', '/api/credentials', { name: 'r', type: 'vault_ref', extra })
  await api('POST', `/api/credentials/${reference.id}/sync`, {})
  const place = { id: randomUUID(), table: 'executor.things' }
  const request = { ...place, project_id: projectId, plaintext: 'a sealed text' }
  const answer = await broker.internal('POST', '/internal/secrets/seal', request)
  sealed = { place, ...(answer.body as unknown as { ciphertext: string; key_id: string }) }
})
afterAll(async () => {
  await broker.stop()
  await vault.close()
})

const rowsOf = async (table: string) =>
  (await broker.owner.query(`SELECT * FROM secrets.${table}`)).rows as Record<string, string>[]

/** The project's data key, from its row and the master key. */
async function dataKey(id: string): Promise<Uint8Array<ArrayBuffer>> {
  const row = (await rowsOf('data_keys')).find((each) => each.id === id)
  const master = await masterKey(credKey)
  expect(row?.master_key_id).toBe(await idOf(master))
  return open(master, row?.wrapped_key as string, ['secrets.data_keys', id, projectId])
}

/** How each column that holds ciphertext is read: the plaintexts of all its rows. */
const readers: Record<string, () => Promise<unknown[]>> = {
  'host_credentials.password_encrypted': async () =>
    all('host_credentials', async (row) =>
      openText(await masterKey(kmsKey), row.password_encrypted as string),
    ),
  'data_keys.wrapped_key': () => all('data_keys', async ({ id }) => (await dataKey(id as string)).length),
  'credentials.secret_encrypted': () =>
    all('credentials', (row) =>
      openJson(row, row.secret_encrypted, ['secrets.credentials', row.id, projectId]),
    ),
  'credential_versions.secret_encrypted': () =>
    all('credential_versions', (row) => {
      const place = `${row.credential_id}/${row.version}`
      return openJson(row, row.secret_encrypted, ['secrets.credential_versions', place, projectId])
    }),
  'vaults.auth_encrypted': () =>
    all('vaults', (row) => openJson(row, row.auth_encrypted, ['secrets.vaults', row.id, projectId])),
  'vault_copies.secret_encrypted': () =>
    all('vault_copies', (row) =>
      openJson(row, row.secret_encrypted, ['secrets.vault_copies', row.credential_id, projectId]),
    ),
  'master_keys.canary_encrypted': () =>
    all('master_keys', async ({ key_use, canary_encrypted }) => {
      const key = await masterKey(key_use === 'credentials' ? credKey : kmsKey)
      return openText(key, canary_encrypted as string, ['secrets.master_keys', key_use])
    }),
}

const expected: Record<string, unknown[]> = {
  'host_credentials.password_encrypted': [password],
  'data_keys.wrapped_key': [32],
  'credentials.secret_encrypted': [{ password: 'the-second-secret' }, {}],
  'credential_versions.secret_encrypted': [{ password: first.password }],
  'vaults.auth_encrypted': [
    expect.objectContaining({ role_id: expect.any(String), secret_id: expect.any(String) }),
  ],
  'vault_copies.secret_encrypted': [{ value: 'token-of-the-vault' }],
  'master_keys.canary_encrypted': ['opsconductor-key-canary', 'opsconductor-key-canary'],
}

async function all<T>(table: string, read: (row: Record<string, string>) => Promise<T>): Promise<T[]> {
  return Promise.all((await rowsOf(table)).map(read))
}

async function openJson(
  { key_id }: Record<string, string>,
  stored: string | undefined,
  aad: unknown[],
): Promise<unknown> {
  return JSON.parse(await openText(await dataKey(key_id as string), stored as string, aad))
}

test('003.10 every column that holds ciphertext is among those that are read here', async () => {
  const { rows } = await broker.owner.query(
    `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
     WHERE table_schema = 'secrets' AND (column_name LIKE '%\\_encrypted' OR column_name LIKE 'wrapped\\_key')`,
  )
  // The last is empty but while a rotation is not over, and has a test of its own.
  const read = [...Object.keys(readers), 'master_keys.wrapped_key']
  expect(rows.map(({ name }) => name).sort()).toEqual(read.sort())
})

test.each(Object.keys(readers))(
  '003.08 003.09 003.10 000.44 %s opens with the keys and the documented format alone',
  async (column) => {
    const opened = await readers[column]?.()
    expect(opened).toHaveLength(expected[column]?.length as number)
    expect(opened).toEqual(expect.arrayContaining(expected[column] as unknown[]))
  },
)

test('000.44 a sealed column of another service opens with the keys and the documented format alone', async () => {
  const { place, ciphertext, key_id } = sealed
  expect(await openText(await dataKey(key_id), ciphertext, [place.table, place.id, projectId])).toBe(
    'a sealed text',
  )
})

test('000.44 with another place in the AAD none opens', async () => {
  const { place, ciphertext, key_id } = sealed
  const key = await dataKey(key_id)
  for (const aad of [
    undefined,
    [place.table, randomUUID(), projectId],
    ['a.b', place.id, projectId],
    [place.table, place.id, null],
  ])
    await expect(open(key, ciphertext, aad)).rejects.toThrow()
})

// Last: it changes the keys.
test('003.20 after a rotation either master key opens the other by its copy, and the row with it', async () => {
  const request = { old_key: kmsKey, new_key: newKey }
  expect((await broker.internal('POST', '/internal/secrets/keyring/rotations', request)).status).toBe(200)
  const rows = (await rowsOf('master_keys')).filter(({ key_use }) => key_use === 'host_credentials')
  const copyOf = async (id: string) => rows.find(({ key_id }) => key_id === id)?.wrapped_key as string
  const [old, next] = [await masterKey(kmsKey), await masterKey(newKey)]
  const [oldId, nextId] = [await idOf(old), await idOf(next)]
  expect(await open(old, await copyOf(nextId), `master-key|${nextId}`)).toEqual(next)
  expect(await open(next, await copyOf(oldId), `master-key|${oldId}`)).toEqual(old)
  for (;;) {
    const [row] = await rowsOf('host_credentials')
    if (row?.key_id !== nextId) continue
    expect(await openText(next, row.password_encrypted as string)).toBe(password)
    return
  }
})
