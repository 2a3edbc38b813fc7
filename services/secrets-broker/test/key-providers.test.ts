import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  createTestDatabase,
  createTestToken,
  softHsmIsMissing,
  startTransitPeer,
  type TestToken,
  type TransitPeer,
} from '@opsconductor/test-peers'
import pg from 'pg'
import { type BrokerProcess, startBrokerProcess } from './broker-process.ts'
import { type Answer, credKey, kmsKey, type RunningBroker, startBroker } from './running-broker.ts'

const rotationsPath = '/internal/secrets/keyring/rotations'
const testOnHsm = softHsmIsMissing() ? test.skip : test
let directory: string
let token: TestToken
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'master-key-'))
  if (!softHsmIsMissing()) token = createTestToken()
})
afterAll(() => rm(directory, { recursive: true }))

interface KeyringState {
  keys: { state: string; provider: string }[]
  rotations: { state: string; proof: { on_other_keys: number } | null }[]
}

/** Asks until every rotation is over; the test's own time limit ends it. */
async function rotationsEnd(getKeyring: () => Promise<Answer>): Promise<KeyringState> {
  for (;;) {
    const state = (await getKeyring()).body as unknown as KeyringState
    if (state.rotations.length > 0 && state.rotations.every((one) => one.state === 'completed')) return state
  }
}

async function rotateTo(broker: RunningBroker, body: object) {
  const begun = await broker.internal('POST', rotationsPath, body)
  expect([begun.status, begun.text]).toEqual([200, expect.any(String)])
  await rotationsEnd(() => broker.internal('GET', '/internal/secrets/keyring'))
}

/** Writes a host credential and a project's credential, and answers what reads both. */
async function keepSecrets(broker: RunningBroker) {
  const { asOwner, projectId } = await broker.createProject()
  const host = { host: 'web-01', purpose: 'ssh' }
  await broker.internal('POST', '/internal/secrets/credential-upsert', { ...host, password: 'Passw0rd-kept' })
  const made = await broker.api('POST', '/api/credentials', asOwner, {
    name: 'kept',
    type: 'bearer_token',
    secret: 'tok-kept-0123456789',
  })
  expect(made.status).toBe(201)
  return async () => {
    const found = await broker.internal('POST', '/internal/secrets/credential-lookup', host)
    const { rows } = await broker.owner.query('SELECT id, secret_encrypted, key_id FROM secrets.credentials')
    const place = { table: 'secrets.credentials', id: rows[0].id, projectId }
    const sealed = { keyId: rows[0].key_id, ciphertext: rows[0].secret_encrypted }
    return [found.body.password, await broker.deps.cipher.open(place, sealed)]
  }
}
const kept = ['Passw0rd-kept', '{"token":"tok-kept-0123456789"}']

interface HsmBroker extends BrokerProcess {
  /** Writes a host credential and seals a text, and answers what reads both. */
  keepSecrets(): Promise<() => Promise<unknown[]>>
}

/** In a process of its own: a PKCS#11 library that runs does not see tokens that are made later. */
async function withHsmBroker(settings: Record<string, string>, work: (broker: HsmBroker) => Promise<void>) {
  const database = await createTestDatabase()
  const owner = new pg.Client({ connectionString: database.ownerUrl })
  await owner.connect()
  const broker = await startBrokerProcess({
    DATABASE_URL: database.urlOf('secrets-broker'),
    SECRETS_PKCS11_MODULE: token.modulePath,
    SECRETS_PKCS11_TOKEN: token.tokenLabel,
    SECRETS_PKCS11_PIN: token.pin,
    SECRETS_PKCS11_KEY: token.keyLabel,
    ...settings,
  })
  const keepSecrets = async () => {
    const project_id = randomUUID()
    await owner.query('INSERT INTO api_key.projects (id, name) VALUES ($1, $2)', [project_id, project_id])
    const host = { host: 'web-01', purpose: 'ssh' }
    await broker.call('POST', 'credential-upsert', { ...host, password: 'Passw0rd-kept' })
    const place = { project_id, table: 'executor.things', id: randomUUID() }
    const sealed = await broker.call('POST', 'seal', { ...place, plaintext: 'sealed-kept' })
    return async () => {
      const found = await broker.call('POST', 'credential-lookup', host)
      const opened = await broker.call('POST', 'open', { ...place, ...sealed.body, reason: 'test' })
      return [found.body.password, opened.body.plaintext]
    }
  }
  try {
    await work({ ...broker, keepSecrets })
  } finally {
    await broker.kill()
    await owner.end()
    await database.drop()
  }
}
const keptByHsm = ['Passw0rd-kept', 'sealed-kept']

testOnHsm('000.39 the master key moves into an HSM while the service runs, and nothing is left', async () => {
  await withHsmBroker({ SECRETS_KMS_KEY: kmsKey }, async ({ call, keepSecrets }) => {
    const read = await keepSecrets()
    await call('POST', 'keyring/rotations', { old_key: kmsKey, to_provider: 'pkcs11' })
    const { rotations, keys } = await rotationsEnd(() => call('GET', 'keyring'))
    expect(rotations.map(({ proof }) => proof?.on_other_keys)).toEqual([0, 0])
    expect(keys.filter(({ state }) => state === 'current').map(({ provider }) => provider)).toEqual([
      'pkcs11',
      'pkcs11',
    ])
    expect(await read()).toEqual(keptByHsm)
  })
})

testOnHsm('000.39 a service that begins with a key in an HSM needs no SECRETS_KMS_KEY', async () => {
  await withHsmBroker({ SECRETS_KEY_PROVIDER: 'pkcs11' }, async ({ keepSecrets }) => {
    expect(await (await keepSecrets())()).toEqual(keptByHsm)
  })
})

async function makeTransitKey({ url, rootToken }: TransitPeer) {
  const vault = (path: string, body: object) =>
    fetch(`${url}/v1/${path}`, {
      method: 'POST',
      headers: { 'x-vault-token': rootToken },
      body: JSON.stringify(body),
    })
  await vault('sys/mounts/transit', { type: 'transit' })
  expect((await vault('transit/keys/master', {})).status).toBe(200)
}

test('003.24a the master key moves to Vault transit and back; while Vault is sealed, what is open stays open', async () => {
  const vault = await startTransitPeer()
  await makeTransitKey(vault)
  const broker = await startBroker({
    ORCH_CRED_KEY: '',
    SECRETS_TRANSIT_URL: vault.url,
    SECRETS_TRANSIT_KEY: 'master',
    SECRETS_TRANSIT_TOKEN: vault.rootToken,
  })
  try {
    const read = await keepSecrets(broker)
    await rotateTo(broker, { old_key: kmsKey, to_provider: 'vault-transit' })
    expect(await read()).toEqual(kept)
    vault.setSealed(true)
    expect(await read()).toEqual(kept)
    expect((await broker.internal('GET', '/readyz')).status).toBe(503)
    const noRotation = await broker.internal('POST', rotationsPath, { to_provider: 'environment' })
    expect([noRotation.status, noRotation.body.code]).toEqual([503, 'service_unavailable'])
    const { asOwner } = await broker.createProject()
    const refused = await broker.api('POST', '/api/credentials', asOwner, {
      name: 'n',
      type: 'bearer_token',
      secret: 'tok-0123456789',
    })
    expect([refused.status, refused.body.code]).toEqual([503, 'service_unavailable'])
    vault.setSealed(false)
    await rotateTo(broker, { to_provider: 'environment' })
    expect(await read()).toEqual(kept)
  } finally {
    await broker.stop()
    await vault.close()
  }
})

test('a master key in a file that others can read is refused at start, in one line', async () => {
  const path = join(directory, 'master-key')
  writeFileSync(path, 'a master key in a file\n', { mode: 0o644 })
  await expect(startBroker({ SECRETS_KEY_PROVIDER: 'file', SECRETS_MASTER_KEY_PATH: path })).rejects.toThrow(
    /^The key file .* has mode 0644: others may read or change it/,
  )
})

test.each([
  ['file', 'SECRETS_MASTER_KEY_PATH'],
  ['vault-transit', 'SECRETS_TRANSIT_URL'],
  ['pkcs11', 'SECRETS_PKCS11_MODULE'],
])('SECRETS_KEY_PROVIDER %s without its settings names them', async (provider, variable) => {
  await expect(startBroker({ SECRETS_KEY_PROVIDER: provider, ORCH_CRED_KEY: credKey })).rejects.toThrow(
    new RegExp(`^SECRETS_KEY_PROVIDER is ${provider}: set ${variable}`),
  )
})
