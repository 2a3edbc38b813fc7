import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { encrypt } from '@opsconductor/crypto'
import fc from 'fast-check'
import { type ChainHead, chainStart, hashRow } from '../src/access-log/chain.ts'
import { readRows } from '../src/access-log/store.ts'
import { commands, type Model, rotationsEnd } from './model-commands.ts'
import { firstKeys, type ModelledBroker, startModelledBroker } from './modelled-broker.ts'
import './steady-seed.ts'

const sequences = 15
const allSequencesMs = 12_000
const fillers = 1_500

let real: ModelledBroker
beforeAll(async () => {
  real = await startModelledBroker()
})
afterAll(() => real.stop())

/** Enough rows for a rotation to be still running when the next command comes. */
async function fill() {
  const { id: keyId, key } = await real.keyring().hostKey()
  const ciphertext = encrypt(key, 'filler-Passw0rd')
  await real.owner.query(
    `INSERT INTO secrets.host_credentials (host, purpose, password_encrypted, key_id)
     SELECT 'filler-' || n, 'filler', $1, $2 FROM generate_series(1, $3::int) n`,
    [ciphertext, keyId, fillers],
  )
}

const newModel = (keys: Model['keys'], startedWith: Model['keys']): Model => ({
  hosts: new Map(),
  credentials: [],
  keys,
  formerKeys: {},
  startedWith,
  rotations: {},
  logged: { shown: 0, changed: 0, refused: 0 },
  unanswered: 0,
})

/** The chain over the whole log, computed anew, ends where the database says that it ends. */
async function headOfLog(): Promise<ChainHead> {
  let head = chainStart
  for await (const row of readRows(real.owner)) {
    expect(BigInt(row.id)).toBe(head.lastId + 1n)
    head = { lastId: BigInt(row.id), hash: hashRow(head.hash, row) }
    expect(row.chain_hash).toBe(head.hash)
  }
  return head
}

/** Exactly one row for each, but for what was under way in a crash. */
async function everyAnswerIsLogged({ logged, unanswered }: Model, before: ChainHead): Promise<void> {
  const { rows } = await real.owner.query(
    `SELECT count(*) FILTER (WHERE success AND access_type = 'read')::int AS shown,
       count(*) FILTER (WHERE success AND access_type <> 'read')::int AS changed,
       count(*) FILTER (WHERE NOT success)::int AS refused
     FROM secrets.credential_access_log WHERE id > $1 AND host <> 'keyring'`,
    [String(before.lastId)],
  )
  for (const [kind, count] of Object.entries(rows[0] as Model['logged'])) {
    expect(count).toBeGreaterThanOrEqual(logged[kind as keyof Model['logged']])
    expect(count).toBeLessThanOrEqual(logged[kind as keyof Model['logged']] + unanswered)
  }
}

async function everyRowOpens(model: Model): Promise<void> {
  const { rows } = await real.owner.query(
    'SELECT host, purpose, key_id AS "keyId", password_encrypted AS ciphertext FROM secrets.host_credentials',
  )
  const stored = new Map<string, string | null>()
  for (const { host, purpose, ...sealed } of rows) {
    const opened = sealed.ciphertext === null ? null : await real.hostCipher().decrypt(sealed)
    if (purpose !== 'filler') stored.set(JSON.stringify([host, purpose]), opened)
    else expect(opened).toBe('filler-Passw0rd')
  }
  expect(stored).toEqual(model.hosts)
  const current = real.keyring().current('host_credentials').id
  expect(new Set(rows.filter(({ ciphertext }) => ciphertext !== null).map(({ keyId }) => keyId))).toEqual(
    new Set([current]),
  )
  const wraps = await real.owner.query('SELECT DISTINCT master_key_id FROM secrets.data_keys')
  for (const { master_key_id } of wraps.rows)
    expect(master_key_id).toBe(real.keyring().current('credentials').id)
}

test('003.20 000.46 random writes, reads, rotations, crashes and clocks never disagree with a plain map, and each answer has its row in the log', async () => {
  await fill()
  let keys = { present: firstKeys, startedWith: firstKeys }
  // What is begun is ended: the broker must be left as it is found.
  const endsAt = performance.now() + allSequencesMs
  await fc.assert(
    fc.asyncProperty(commands, async (sequence) => {
      if (performance.now() > endsAt) return
      const before = await headOfLog()
      const model = newModel(keys.present, keys.startedWith)
      try {
        await fc.asyncModelRun(() => ({ model, real }), sequence)
        await rotationsEnd(real)
        await everyRowOpens(model)
        await headOfLog()
        await everyAnswerIsLogged(model, before)
      } finally {
        keys = { present: model.keys, startedWith: model.startedWith }
        await real.owner.query("DELETE FROM secrets.host_credentials WHERE purpose <> 'filler'")
        await real.owner.query('DELETE FROM secrets.credentials')
      }
    }),
    { numRuns: sequences, endOnFailure: true },
  )
}, 60_000)
