import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { decrypt, deriveSeedKey, encrypt } from '@opsconductor/crypto'
import { createLog } from '@opsconductor/service-kit'
import { readBrokerConfig } from '../src/config.ts'
import { createDeps } from '../src/deps.ts'
import { credKey, kmsKey, type RunningBroker, startBroker } from './running-broker.ts'

const newKey = 'the-next-kms-key-for-tests-012345'
const rotationsPath = '/internal/secrets/keyring/rotations'

let broker: RunningBroker
beforeEach(async () => {
  broker = await startBroker()
})
afterEach(() => broker.stop())

const upsert = (host: string, password: string) =>
  broker.internal('POST', '/internal/secrets/credential-upsert', { host, purpose: 'ssh', password })
const lookup = (host: string) =>
  broker.internal('POST', '/internal/secrets/credential-lookup', { host, purpose: 'ssh' })

interface Rotation {
  id: string
  key_use: string
  state: string
  rows_total: number
  rows_done: number
  last_error: string | null
  proof: { on_new_key: number; on_other_keys: number; sampled: number } | null
}

const start = (body: object) => broker.internal('POST', rotationsPath, body)
const rotationsOf = (body: unknown) => (body as { rotations: Rotation[] }).rotations
async function rotations(): Promise<Rotation[]> {
  return rotationsOf((await broker.internal('GET', '/internal/secrets/keyring')).body)
}

/** Asks until the latest rotation is what it is waited for; the test's own time limit ends it. */
async function until(wanted: (latest: Rotation) => boolean): Promise<Rotation> {
  for (;;) {
    const latest = (await rotations())[0] as Rotation
    if (wanted(latest)) return latest
  }
}
const completed = () => until(({ state }) => state === 'completed')

/** The service again, before it has looked at these keys. */
const startingWith = (keys: Record<string, string>) =>
  createDeps(
    readBrokerConfig({
      DATABASE_URL: broker.config.DATABASE_URL,
      INTERNAL_KEY: 'internal-key-for-tests-0123456789',
      ORCH_CRED_KEY: credKey,
      ...keys,
    }),
    { log: createLog('secrets-broker', 'silent') },
  )

/** The service again, as after a restart with these keys. */
async function restartedWith(keys: Record<string, string>) {
  const deps = await startingWith(keys)
  try {
    await deps.keyring.load()
  } catch (error) {
    await deps.dispose()
    throw error
  }
  return deps
}

async function fill(count: number) {
  const { id: keyId, key } = await broker.deps.keyring.hostKey()
  const ciphertext = encrypt(key, 'filled-Passw0rd')
  await broker.owner.query(
    `INSERT INTO secrets.host_credentials (host, purpose, password_encrypted, key_id)
     SELECT 'filled-' || n, 'ssh', $1, CASE WHEN n % 10 = 0 THEN NULL ELSE $2 END FROM generate_series(1, $3::int) n`,
    [ciphertext, keyId, count],
  )
}

test("003.20 a rotation re-encrypts every row, proves it, and the seed's parameters open the result with the new key", async () => {
  await upsert('web-01', 'Passw0rd-of-before')
  await fill(2_500)
  const begun = await start({ old_key: kmsKey, new_key: newKey })
  expect(begun.status).toBe(200)
  expect(rotationsOf(begun.body).map(({ key_use }) => key_use)).toEqual(['host_credentials'])
  const { proof, rows_total, rows_done } = await completed()
  expect([rows_total, rows_done, proof]).toEqual([
    2_501,
    2_501,
    { on_new_key: 2_501, on_other_keys: 0, sampled: 1_000 },
  ])
  expect((await lookup('web-01')).body.password).toBe('Passw0rd-of-before')
  const { rows } = await broker.owner.query(
    "SELECT key_id, password_encrypted FROM secrets.host_credentials WHERE host IN ('web-01', 'filled-10') ORDER BY host",
  )
  const { id, key } = await deriveSeedKey(newKey)
  expect(rows.map((row) => [row.key_id, decrypt(key, row.password_encrypted)])).toEqual([
    [id, 'filled-Passw0rd'],
    [id, 'Passw0rd-of-before'],
  ])
  const log = (await broker.accessLog()).filter((row) => row.host === 'keyring')
  expect(log.map(({ purpose, accessed_by, success }) => [purpose, accessed_by, success])).toEqual([
    ['rotation', 'operator', true],
    ['rotation', 'operator', true],
  ])
  expect(JSON.stringify([begun.text, log, broker.logged()])).not.toMatch(newKey)
})

/** `npm run secrets:rotate -- …` against the broker. */
function runScript(
  ...arguments_: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const script = fileURLToPath(new URL('../../../infra/scripts/secrets-rotate.ts', import.meta.url))
  return new Promise((resolve) => {
    const env = {
      PATH: process.env.PATH,
      SECRETS_BROKER_URL: broker.internalUrl,
      INTERNAL_KEY: 'internal-key-for-tests-0123456789',
    }
    const options = { env, timeout: 30_000 }
    const child = execFile(process.execPath, [script, ...arguments_], options, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    )
  })
}

test('003.20 the script rotates, prints the proof and says what to set; a wrong key is one line', async () => {
  await fill(1_200)
  const wrong = await runScript('--old-key', 'not-the-key-in-use-0123456', '--new-key', newKey)
  expect([wrong.code, wrong.stderr]).toEqual([
    1,
    expect.stringMatching(/^secrets:rotate: body.old_key is not a master key that is in use.*\n$/),
  ])
  const { code, stdout } = await runScript('--old-key', kmsKey, '--new-key', newKey)
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(
      /completed, 1200 of 1200 re-encrypted; proof: 1200 under the new key, 0 under any other/,
    ),
  ])
  expect(stdout).toMatch('Now set SECRETS_KMS_KEY')
  expect(stdout).not.toContain(newKey)
  const status = await runScript('--status')
  expect(status.stdout).toMatch(/environment +current +1200 rows/)
})

test('lookups and writes go on during a rotation, and none of them fails', async () => {
  await fill(5_000)
  const statuses = new Set<number>()
  let over = false
  const load = async (worker: number) => {
    for (let n = 0; !over; n++) {
      const host = `busy-${worker}-${n}`
      statuses.add((await upsert(host, `Passw0rd-${host}`)).status)
      const found = await lookup(host)
      statuses.add(found.body.password === `Passw0rd-${host}` ? found.status : -1)
      statuses.add((await lookup(`filled-${1 + ((worker * 997 + n) % 5_000)}`)).status)
    }
  }
  const workers = [1, 2, 3, 4].map(load)
  await start({ old_key: kmsKey, new_key: newKey })
  const { proof } = await completed()
  over = true
  await Promise.all(workers)
  expect([...statuses]).toEqual([200])
  expect(proof?.on_other_keys).toBe(0)
})

test('data keys are wrapped anew where the key of credentials is rotated, and their ciphertexts stay', async () => {
  const { asOwner, projectId } = await broker.createProject()
  await broker.api('POST', '/api/credentials', asOwner, {
    name: 'n',
    type: 'bearer_token',
    secret: 'tok-0123456789',
  })
  const select = 'SELECT secret_encrypted FROM secrets.credentials'
  const before = (await broker.owner.query(select)).rows
  await start({ old_key: credKey, new_key: newKey })
  const rotation = await completed()
  expect([rotation.key_use, rotation.proof]).toEqual([
    'credentials',
    { on_new_key: 1, on_other_keys: 0, sampled: 1 },
  ])
  expect((await broker.owner.query(select)).rows).toEqual(before)
  const restarted = await restartedWith({ SECRETS_KMS_KEY: kmsKey, ORCH_CRED_KEY: newKey })
  try {
    expect(
      (await restarted.keyring.projectKey(projectId)).key.equals(
        (await broker.deps.keyring.projectKey(projectId)).key,
      ),
    ).toBe(true)
  } finally {
    await restarted.dispose()
  }
})

test('one rotation at a time: the second is refused and changes nothing', async () => {
  // A damaged row keeps the first one from coming to its end.
  await upsert('web-01', 'Passw0rd-of-before')
  await start({ old_key: kmsKey, new_key: newKey })
  await completed()
  await broker.owner.query("UPDATE secrets.key_rotations SET state = 'running'")
  const second = await start({ old_key: newKey, new_key: 'yet-another-key-for-tests-0123' })
  expect([second.status, second.body.code]).toEqual([409, 'conflict'])
  expect(broker.deps.keyring.current('host_credentials').id).toBe((await deriveSeedKey(newKey)).id)
})

test.each([
  [
    'an old key that is not in use',
    { old_key: 'not-the-key-in-use-0123456', new_key: newKey },
    'body.old_key',
  ],
  ['the same key again', { old_key: kmsKey, new_key: kmsKey }, 'body.new_key'],
  ['a key that is too short', { old_key: kmsKey, new_key: 'short' }, 'body.new_key'],
  ['neither a key nor a provider', { old_key: kmsKey }, 'body.new_key'],
  ['a provider that is not configured', { old_key: kmsKey, to_provider: 'pkcs11' }, 'body.to_provider'],
])('%s is refused by name and quotes no key', async (_, body, path) => {
  const answer = await start(body)
  expect([answer.status, answer.body.errors?.map((error) => error.path)]).toEqual([422, [path]])
  expect(answer.text).not.toContain(kmsKey)
  expect(await rotations()).toEqual([])
})

test('only an operator rotates: a service with its own key is refused', async () => {
  const answer = await broker.internal(
    'POST',
    rotationsPath,
    { old_key: kmsKey, new_key: newKey },
    'executor-key-for-tests-0123456789',
  )
  expect(answer.status).toBe(403)
})

test('with a row that the old key does not open nothing is begun', async () => {
  await upsert('web-01', 'Passw0rd-of-before')
  await broker.owner.query("UPDATE secrets.host_credentials SET password_encrypted = 'AAAA'")
  const answer = await start({ old_key: kmsKey, new_key: newKey })
  expect([answer.status, answer.body.code]).toEqual([500, 'decryption_failed'])
  expect(await rotations()).toEqual([])
})

test('a row that is damaged on the way keeps the rotation running and is named; once mended, the rotation ends by itself', async () => {
  await fill(1_500)
  await broker.deps.rotations.stop()
  await start({ old_key: kmsKey, new_key: newKey })
  await broker.owner.query(
    "UPDATE secrets.host_credentials SET password_encrypted = 'AAAA' WHERE host = 'filled-1499'",
  )
  const next = await restartedWith({ SECRETS_KMS_KEY: kmsKey })
  try {
    next.followKeys()
    const stuck = await until(({ last_error }) => last_error !== null)
    expect(stuck.last_error).toMatch(/^1 host credentials do not decrypt .* Ids: \d+$/)
    await upsert('filled-1499', 'Passw0rd-mended')
    await broker.owner.query(
      "UPDATE secrets.host_credentials SET password_encrypted = NULL WHERE password_encrypted = 'AAAA'",
    )
    const { proof } = await completed()
    expect(proof?.on_other_keys).toBe(0)
  } finally {
    await next.dispose()
  }
})

test('a service that has not loaded its keys yet leaves a rotation alone, whoever tells it of one', async () => {
  await fill(1_500)
  await broker.deps.rotations.stop()
  await start({ old_key: kmsKey, new_key: newKey })
  const starting = await startingWith({ SECRETS_KMS_KEY: kmsKey })
  try {
    starting.followKeys()
    // A rotation that went on without its keys would be stuck after three statements.
    for (let asked = 0; asked < 30; asked++)
      expect(await rotations()).toMatchObject([{ state: 'running', last_error: null }])
  } finally {
    await starting.dispose()
  }
})

test('003.20 a service that is restarted in the middle, with either key, goes on and opens everything', async () => {
  await fill(3_000)
  await start({ old_key: kmsKey, new_key: newKey })
  await broker.deps.rotations.stop()
  for (const key of [kmsKey, newKey]) {
    const restarted = await restartedWith({ SECRETS_KMS_KEY: key })
    try {
      const { rows } = await broker.owner.query(
        'SELECT key_id AS "keyId", password_encrypted AS ciphertext FROM secrets.host_credentials',
      )
      const opened = await Promise.all(rows.map((row) => restarted.hostCipher.decrypt(row)))
      expect(new Set(opened)).toEqual(new Set(['filled-Passw0rd']))
    } finally {
      await restarted.dispose()
    }
  }
  const restarted = await restartedWith({ SECRETS_KMS_KEY: kmsKey })
  restarted.followKeys()
  expect((await completed()).proof).toMatchObject({ on_new_key: 3_000, on_other_keys: 0 })
  await restarted.dispose()
})

test('the old key is destroyed when the service starts with the new one; from then on it opens nothing', async () => {
  await upsert('web-01', 'Passw0rd-of-before')
  await start({ old_key: kmsKey, new_key: newKey })
  await completed()
  await (await restartedWith({ SECRETS_KMS_KEY: newKey })).dispose()
  const { rows } = await broker.owner.query(
    "SELECT state, wrapped_key FROM secrets.master_keys WHERE key_use = 'host_credentials' ORDER BY created_at",
  )
  expect(rows).toEqual([
    { state: 'destroyed', wrapped_key: null },
    { state: 'current', wrapped_key: null },
  ])
  await expect(restartedWith({ SECRETS_KMS_KEY: kmsKey })).rejects.toThrow(
    /SECRETS_KMS_KEY is not the key that encrypted the stored host_credentials/,
  )
})

test('a rollback brings every row back to the former key', async () => {
  await fill(1_500)
  const begun = rotationsOf((await start({ old_key: kmsKey, new_key: newKey })).body)[0] as Rotation
  await completed()
  const back = await broker.internal('POST', `${rotationsPath}/${begun.id}/rollback`, {})
  expect(back.status).toBe(200)
  await completed()
  expect((await rotations()).map(({ state }) => state)).toEqual(['completed', 'rolled_back'])
  const { rows } = await broker.owner.query('SELECT DISTINCT key_id FROM secrets.host_credentials')
  expect(rows).toEqual([{ key_id: (await deriveSeedKey(kmsKey)).id }])
  const twice = await broker.internal('POST', `${rotationsPath}/${begun.id}/rollback`, {})
  expect([twice.status, twice.body.code]).toEqual([409, 'conflict'])
})

test('SECRETS_KMS_KEY that serves both uses is rotated for both at once', async () => {
  const alone = await startBroker({ ORCH_CRED_KEY: '' })
  try {
    const { asOwner } = await alone.createProject()
    await alone.api('POST', '/api/credentials', asOwner, {
      name: 'n',
      type: 'bearer_token',
      secret: 'tok-0123456789',
    })
    const begun = await alone.internal('POST', rotationsPath, { old_key: kmsKey, new_key: newKey })
    expect(rotationsOf(begun.body).map(({ key_use }) => key_use)).toEqual(['host_credentials', 'credentials'])
    for (;;) {
      const { body } = await alone.internal('GET', '/internal/secrets/keyring')
      if (rotationsOf(body).every(({ state }) => state === 'completed')) break
    }
  } finally {
    await alone.stop()
  }
})
