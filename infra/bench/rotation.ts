import { createSecretKey, randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { getKeyringEndpoint, type KeyRotation, startKeyRotationEndpoint } from '@opsconductor/contracts'
import { decrypt, deriveSeedKey, encrypt } from '@opsconductor/crypto'
import { createInternalClient, type InternalClient } from '@opsconductor/service-kit'
import pg from 'pg'
import { residentBytesOf } from '../local/process-identity.ts'

export interface RotationBenchOptions {
  brokerUrl: string
  brokerPid: number
  internalKey: string
  secretsKmsKey: string
  /** The owner's. */
  databaseUrl: string
  rows: number
}

export interface RotationBenchResult {
  rows: number
  brokerPerSecond: number
  barePerSecond: number
  /** Resident, before and at the most while it went on. */
  bytesBefore: number
  bytesMost: number
}

const batchRows = 1_000
const pollMs = 100
const password = 'a password of a usual length'

/** A rotation of the master key beside a bare loop that reads, re-encrypts and writes as many rows of the same table's shape. */
export async function benchRotation(options: RotationBenchOptions): Promise<RotationBenchResult> {
  const database = new pg.Pool({ connectionString: options.databaseUrl, max: 1 })
  const broker = createInternalClient({
    urls: { 'secrets-broker': options.brokerUrl },
    key: options.internalKey,
    timeoutMs: 60_000,
  })
  try {
    const { id, key } = await deriveSeedKey(options.secretsKmsKey)
    await database.query('CREATE SCHEMA bench')
    await database.query('CREATE TABLE bench.rows (LIKE secrets.host_credentials INCLUDING ALL)')
    for (const table of ['secrets.host_credentials', 'bench.rows'])
      await fill(database, table, options.rows, id, encrypt(key, password))
    const barePerSecond = options.rows / (await rotateBare(database, key))
    const bytesBefore = residentBytesOf(options.brokerPid) ?? Number.NaN
    const { rotation, bytesMost } = await rotate(broker, options)
    const seconds = (Date.parse(rotation.finished_at as string) - Date.parse(rotation.started_at)) / 1000
    return {
      rows: options.rows,
      brokerPerSecond: options.rows / seconds,
      barePerSecond,
      bytesBefore,
      bytesMost,
    }
  } finally {
    await database.query('DROP SCHEMA IF EXISTS bench CASCADE')
    await Promise.all([broker.close(), database.end()])
  }
}

async function fill(database: pg.Pool, table: string, rows: number, keyId: string, ciphertext: string) {
  await database.query(
    `INSERT INTO ${table} (host, purpose, password_encrypted, key_id)
     SELECT 'bench-' || n, 'rotation', $1, $2 FROM generate_series(1, $3::int) n`,
    [ciphertext, keyId, rows],
  )
  await database.query(`VACUUM ANALYZE ${table}`)
}

/** Seconds. */
async function rotateBare(database: pg.Pool, oldKey: Parameters<typeof decrypt>[0]): Promise<number> {
  const newKey = createSecretKey(randomBytes(32))
  const startedAt = performance.now()
  for (let after = 0; ; ) {
    const { rows } = await database.query<{ id: number; ciphertext: string }>({
      name: 'bare-read',
      text: 'SELECT id, password_encrypted AS ciphertext FROM bench.rows WHERE id > $1 ORDER BY id LIMIT $2',
      values: [after, batchRows],
    })
    const last = rows.at(-1)
    if (last === undefined) return (performance.now() - startedAt) / 1000
    after = last.id
    await database.query({
      name: 'bare-write',
      text: `UPDATE bench.rows b SET password_encrypted = r.ciphertext, key_id = 'new'
        FROM unnest($1::int[], $2::text[]) AS r (id, ciphertext) WHERE b.id = r.id`,
      values: [
        rows.map(({ id }) => id),
        rows.map(({ ciphertext }) => encrypt(newKey, decrypt(oldKey, ciphertext))),
      ],
    })
  }
}

async function rotate(
  broker: InternalClient,
  { secretsKmsKey, brokerPid }: RotationBenchOptions,
): Promise<{ rotation: KeyRotation; bytesMost: number }> {
  const begun = await broker.call(startKeyRotationEndpoint, {
    old_key: secretsKmsKey,
    new_key: randomBytes(32).toString('base64'),
  })
  const id = begun.rotations.find(({ key_use }) => key_use === 'host_credentials')?.id
  for (let bytesMost = 0; ; await delay(pollMs)) {
    bytesMost = Math.max(bytesMost, residentBytesOf(brokerPid) ?? 0)
    const { rotations } = await broker.call(getKeyringEndpoint, {})
    const rotation = rotations.find((one) => one.id === id) as KeyRotation
    if (rotation.state === 'completed') return { rotation, bytesMost }
  }
}
