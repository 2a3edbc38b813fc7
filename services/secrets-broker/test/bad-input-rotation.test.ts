import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { decrypt, deriveSeedKey, encrypt } from '@opsconductor/crypto'
import { createLog } from '@opsconductor/service-kit'
import { readBrokerConfig } from '../src/config.ts'
import { createDeps } from '../src/deps.ts'
import { credKey, kmsKey, type RunningBroker, startBroker } from './running-broker.ts'

const keyNamed = (name: string) => `the-${name}-key-for-tests-012345`
const rotationsPath = '/internal/secrets/keyring/rotations'

let broker: RunningBroker
beforeEach(async () => {
  broker = await startBroker({ LOG_LEVEL: 'silent' })
})
afterEach(() => broker.stop())

const upsert = (host: string, password: string) =>
  broker.internal('POST', '/internal/secrets/credential-upsert', { host, purpose: 'ssh', password })
const lookup = (host: string) =>
  broker.internal('POST', '/internal/secrets/credential-lookup', { host, purpose: 'ssh' })
const rotate = (old_key: string, new_key: string) =>
  broker.internal('POST', rotationsPath, { old_key, new_key })

interface Rotation {
  key_use: string
  state: string
  proof: { on_other_keys: number } | null
}

/** Resolves with all the rotations, the latest first, when none is under way; the test's own time limit ends it. */
async function rotationsEnd(): Promise<Rotation[]> {
  for (;;) {
    const rotations = (await broker.internal('GET', '/internal/secrets/keyring')).body.rotations as Rotation[]
    if (rotations.every(({ state }) => state !== 'running')) return rotations
  }
}

async function keyIdsOfRows(): Promise<string[]> {
  const { rows } = await broker.owner.query(
    'SELECT DISTINCT key_id FROM secrets.host_credentials ORDER BY key_id',
  )
  return rows.map(({ key_id }) => key_id)
}

/** Opens the host's password in a service that is started with these keys. */
async function openedWith(key: string, host: string): Promise<string> {
  const config = readBrokerConfig({
    DATABASE_URL: broker.config.DATABASE_URL,
    INTERNAL_KEY: 'internal-key-for-tests-0123456789',
    SECRETS_KMS_KEY: key,
    ORCH_CRED_KEY: credKey,
  })
  const deps = await createDeps(config, { log: createLog('secrets-broker', 'silent') })
  try {
    await deps.keyring.load()
    const { rows } = await broker.owner.query(
      'SELECT key_id AS "keyId", password_encrypted AS ciphertext FROM secrets.host_credentials WHERE host = $1',
      [host],
    )
    return await deps.hostCipher.decrypt(rows[0])
  } finally {
    await deps.dispose()
  }
}

test('of several rotations that are begun in the same moment one is made, and the others change nothing', async () => {
  await upsert('web-01', 'Passw0rd-of-before')
  const keys = ['first', 'second', 'third', 'fourth'].map(keyNamed)
  const wrong = rotate('not-the-key-in-use-0123456', keyNamed('fifth'))
  const answers = await Promise.all(keys.map((key) => rotate(kmsKey, key)))
  expect((await wrong).status).toBe(422)
  // The one that comes when the first is over is told that its old key is not in use any more.
  const statuses = answers.map(({ status }) => status)
  expect(statuses.filter((status) => status === 200)).toEqual([200])
  expect(statuses.filter((status) => ![200, 409, 422].includes(status))).toEqual([])
  const chosen = keys[statuses.indexOf(200)] as string
  const rotations = await rotationsEnd()
  expect(rotations.map(({ state, proof }) => [state, proof?.on_other_keys])).toEqual([['completed', 0]])
  const { id, key } = await deriveSeedKey(chosen)
  expect(await keyIdsOfRows()).toEqual([id])
  const { rows } = await broker.owner.query('SELECT password_encrypted FROM secrets.host_credentials')
  expect(decrypt(key, rows[0].password_encrypted)).toBe('Passw0rd-of-before')
  const states = await broker.owner.query(
    "SELECT state FROM secrets.master_keys WHERE key_use = 'host_credentials' ORDER BY created_at",
  )
  expect(states.rows.map(({ state }) => state)).toEqual(['decrypt_only', 'current'])
})

test('003.20 the keys of both uses can be rotated in the same moment', async () => {
  await upsert('web-01', 'Passw0rd-of-before')
  const answers = await Promise.all([
    rotate(kmsKey, keyNamed('host')),
    rotate(credKey, keyNamed('credentials')),
  ])
  expect(answers.map(({ status }) => status)).toEqual([200, 200])
  const rotations = await rotationsEnd()
  expect(rotations.map(({ key_use }) => key_use).sort()).toEqual(['credentials', 'host_credentials'])
  expect((await lookup('web-01')).body.password).toBe('Passw0rd-of-before')
})

test('003.20 rotations one after the other need no restart between, and the first key and the last each start the service', async () => {
  await upsert('web-01', 'Passw0rd-of-before')
  const keys = [kmsKey, ...['first', 'second', 'third'].map(keyNamed)]
  for (const [i, key] of keys.slice(1).entries()) {
    expect((await rotate(keys[i] as string, key)).status).toBe(200)
    await rotationsEnd()
    expect((await lookup('web-01')).body.password).toBe('Passw0rd-of-before')
    expect(await openedWith(kmsKey, 'web-01')).toBe('Passw0rd-of-before')
  }
  expect(await keyIdsOfRows()).toEqual([(await deriveSeedKey(keyNamed('third'))).id])
  expect(await openedWith(keyNamed('third'), 'web-01')).toBe('Passw0rd-of-before')
  // That start destroyed the former keys; the process that still has the first one in its environment goes on.
  await expect(openedWith(kmsKey, 'web-01')).rejects.toThrow(/is not the key that encrypted the stored/)
  expect((await rotate(keyNamed('third'), keyNamed('last'))).status).toBe(200)
  await rotationsEnd()
  expect((await lookup('web-01')).body.password).toBe('Passw0rd-of-before')
})

/** Resolves when a statement of the broker waits for a lock; the test's own time limit ends it. */
async function somethingWaits(): Promise<void> {
  for (;;) {
    const { rowCount } = await broker.owner.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename = 'svc_secrets_broker'
         AND wait_event_type = 'Lock'`,
    )
    if (rowCount !== 0) return
  }
}

test('003.20 a write that was begun with the old key and is made after the switch leaves no row on the old key', async () => {
  await upsert('web-01', 'Passw0rd-of-before')
  const other = await broker.owner.connect()
  await other.query('BEGIN')
  await other.query("INSERT INTO secrets.host_credentials (host, purpose) VALUES ('late', 'ssh')")
  // Its password is encrypted already, and its row waits for what becomes of the other one.
  const late = upsert('late', 'Passw0rd-of-a-late-write')
  await somethingWaits()
  const begun = rotate(kmsKey, keyNamed('next'))
  const ended = begun.then(rotationsEnd)
  await Promise.race([ended, waitsFor('UPDATE secrets.master_keys')])
  await other.query('ROLLBACK')
  other.release()
  expect([(await late).status, (await begun).status]).toEqual([200, 200])
  const [rotation] = await ended
  expect(rotation?.proof?.on_other_keys).toBe(0)
  expect(await keyIdsOfRows()).toEqual([(await deriveSeedKey(keyNamed('next'))).id])
  expect((await lookup('late')).body.password).toBe('Passw0rd-of-a-late-write')
})

/** Resolves when a statement that begins so waits for another transaction. */
async function waitsFor(statement: string): Promise<void> {
  for (;;) {
    const { rowCount } = await broker.owner.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
         AND position($1 IN query) = 1`,
      [statement],
    )
    if (rowCount !== 0) return
  }
}

test('003.20 a batch that was read before a rollback is not written after it', async () => {
  const { id: keyId, key } = await broker.deps.keyring.hostKey()
  const ciphertext = encrypt(key, 'filled-Passw0rd')
  await broker.owner.query(
    `INSERT INTO secrets.host_credentials (host, purpose, password_encrypted, key_id)
     SELECT 'filled-' || n, 'ssh', $1, $2 FROM generate_series(1, 50) n`,
    [ciphertext, keyId],
  )
  const other = await broker.owner.connect()
  await other.query('BEGIN')
  await other.query("SELECT FROM secrets.host_credentials WHERE host = 'filled-50' FOR UPDATE")
  const begun = await rotate(kmsKey, keyNamed('next'))
  await somethingWaits()
  const { id } = (begun.body.rotations as { id: string }[])[0] as { id: string }
  const back = broker.internal('POST', `${rotationsPath}/${id}/rollback`, {})
  const ended = back.then(rotationsEnd)
  await Promise.race([ended, waitsFor('UPDATE secrets.key_rotations SET state')])
  await other.query('COMMIT')
  other.release()
  expect((await back).status).toBe(200)
  await ended
  expect(await keyIdsOfRows()).toEqual([keyId])
})
