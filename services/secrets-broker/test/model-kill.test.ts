import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { decrypt, deriveSeedKey, encrypt } from '@opsconductor/crypto'
import { createTestDatabase, type TestDatabase } from '@opsconductor/test-peers'
import pg from 'pg'
import { readRows, selectHead } from '../src/access-log/store.ts'
import { verifyChain } from '../src/access-log/verify-chain.ts'
import { type BrokerProcess, startBrokerProcess } from './broker-process.ts'
import { credKey, kmsKey } from './running-broker.ts'

const newKey = 'the-next-kms-key-for-tests-012345'
const rows = 3_000
const kills = 3

let database: TestDatabase
let owner: pg.Pool
let broker: BrokerProcess | undefined
beforeEach(async () => {
  database = await createTestDatabase()
  owner = new pg.Pool({ connectionString: database.ownerUrl, max: kills + 2 })
  owner.on('error', () => {})
})
afterEach(async () => {
  await broker?.kill()
  await owner.end()
  await database.drop()
})

const startProcess = (key: string) =>
  startBrokerProcess({
    DATABASE_URL: database.urlOf('secrets-broker'),
    SECRETS_KMS_KEY: key,
    ORCH_CRED_KEY: credKey,
  })

const passwordOf = (row: number) => `Passw0rd-${row}`

async function fill(): Promise<void> {
  const { id, key } = await deriveSeedKey(kmsKey)
  const numbers = Array.from({ length: rows }, (_, i) => i + 1)
  await owner.query(
    `INSERT INTO secrets.host_credentials (id, host, purpose, password_encrypted, key_id)
     SELECT n, 'host-' || n, 'ssh', ciphertext, CASE WHEN n % 10 = 0 THEN NULL ELSE $3 END
     FROM unnest($1::int[], $2::text[]) AS filler (n, ciphertext)`,
    [numbers, numbers.map((n) => encrypt(key, passwordOf(n))), id],
  )
}

/** Holds a row that is still under the old key, picked at random: the rotation cannot get past it. */
async function holdRow(newKeyId: string): Promise<() => Promise<void>> {
  const holder = await owner.connect()
  await holder.query('BEGIN')
  await holder.query(
    `SELECT FROM secrets.host_credentials WHERE key_id IS DISTINCT FROM $1 ORDER BY random() LIMIT 1
     FOR UPDATE SKIP LOCKED`,
    [newKeyId],
  )
  return async () => {
    await holder.query('COMMIT')
    holder.release()
  }
}

/** Resolves when the process waits for a lock, which is in the middle of a batch; the test's time limit ends it. */
async function rotationWaits(since: Date): Promise<void> {
  for (;;) {
    const { rowCount } = await owner.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename = 'svc_secrets_broker'
         AND wait_event_type = 'Lock' AND backend_start >= $1`,
      [since],
    )
    if (rowCount !== 0) return
  }
}

interface Rotation {
  state: string
  rows_done: number
  proof: unknown
}

async function rotationEnds({ call }: BrokerProcess): Promise<Rotation> {
  for (;;) {
    const { body } = await call('GET', 'keyring')
    const [latest] = body.rotations as Rotation[]
    if (latest?.state === 'completed') return latest
  }
}

test('003.20 a rotation survives kill -9 in the middle of its batches, with either key in the environment, and ends with its proof', async () => {
  const next = await deriveSeedKey(newKey)
  await fill()
  broker = await startProcess(kmsKey)
  const releases = [await holdRow(next.id)]
  const begun = await broker.call('POST', 'keyring/rotations', { old_key: kmsKey, new_key: newKey })
  expect(begun.status).toBe(200)
  for (let kill = 0; kill < kills; kill++) {
    await rotationWaits(broker.startedAt)
    await broker.kill()
    // What the process had sent is still under way in the database, and ends when it will.
    releases.push(await holdRow(next.id))
    await releases.shift()?.()
    broker = await startProcess(kill % 2 === 0 ? kmsKey : newKey)
  }
  await rotationWaits(broker.startedAt)
  for (const release of releases) await release()
  const { rows_done, proof } = await rotationEnds(broker)
  expect([rows_done, proof]).toEqual([rows, { on_new_key: rows, on_other_keys: 0, sampled: 1_000 }])

  const stored = await owner.query(
    'SELECT id, key_id, password_encrypted FROM secrets.host_credentials ORDER BY id',
  )
  expect(stored.rows.map((row) => [row.key_id, decrypt(next.key, row.password_encrypted)])).toEqual(
    stored.rows.map(({ id }) => [next.id, passwordOf(id)]),
  )
  const found = await broker.call('POST', 'credential-lookup', { host: 'host-7', purpose: 'ssh' })
  expect(found.body.password).toBe(passwordOf(7))
  expect(await verifyChain(readRows(owner), { head: await selectHead(owner) })).toMatchObject({
    intact: true,
    rows: 3,
  })
}, 60_000)
