import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createLog, createMetrics, listen } from '@opsconductor/service-kit'
import type pg from 'pg'
import type { Access } from '../src/access-log/access.ts'
import { reportHead } from '../src/access-log/report-head.ts'
import { readRows, selectHead } from '../src/access-log/store.ts'
import { verifyChain } from '../src/access-log/verify-chain.ts'
import { createApps } from '../src/app.ts'
import { createDeps } from '../src/deps.ts'
import { createEvents } from '../src/events.ts'
import { type RunningBroker, send, startBroker } from './running-broker.ts'

let broker: RunningBroker
beforeAll(async () => {
  broker = await startBroker({ LOG_LEVEL: 'silent' })
})
afterAll(() => broker.stop())

const upsertPath = '/internal/secrets/credential-upsert'
const lookupPath = '/internal/secrets/credential-lookup'
const deletePath = (host: string) =>
  `/internal/secrets/credential-delete?${new URLSearchParams({ host, purpose: 'ssh' })}`
const upsert = (host: string, password = 'passw0rd') =>
  broker.internal('POST', upsertPath, { host, purpose: 'ssh', password })
const lookup = (host: string) => broker.internal('POST', lookupPath, { host, purpose: 'ssh' })
const access = (more: Partial<Access> = {}): Access => ({
  host: 'h',
  purpose: 'ssh',
  type: 'read',
  by: 'operator',
  from: '127.0.0.1',
  ...more,
})

/** One text for what `audit:verify` would say. */
async function verify(client: pg.Pool | pg.ClientBase = broker.owner): Promise<string> {
  const verdict = await verifyChain(readRows(client), { head: await selectHead(client) })
  return verdict.intact ? `${verdict.rows} intact` : `${verdict.id} ${verdict.fault}`
}
const rowCount = async () => Number((await selectHead(broker.owner)).lastId)

/** What is found after the owner, who may do anything, did this; then it is undone. */
async function afterTampering(sql: string): Promise<string> {
  const client = await broker.owner.connect()
  try {
    await client.query('BEGIN')
    await client.query(sql)
    return await verify(client)
  } finally {
    await client.query('ROLLBACK')
    client.release()
  }
}

test('000.46 what PostgreSQL gives back has the hash that was computed before, for texts, times and addresses of every kind', async () => {
  const addresses = [
    '10.0.0.9',
    '::1',
    '::ffff:10.0.0.9',
    '::FFFF:0a00:9',
    '::10.0.0.9',
    'fe80::1%eth0',
    '2001:DB8::0:1',
    '1:0:0:2:0:0:0:3',
    'nonsense',
  ]
  const texts = ['', ' \t\n"\\', '日本🔑', '\u2028', "'; --", '__proto__', '\uffff']
  const uuid = 'ABCDEF00-0000-4000-8000-00000000000F'
  await broker.deps.accessLog.append(
    ...addresses.map((from) => access({ from })),
    ...texts.map((host) => access({ host, error: host, stepId: host, reason: host })),
    access({ credentialUuid: uuid, projectId: uuid, runId: uuid }),
    access({ by: undefined, credentialId: 2_000_000_000 }),
  )
  expect(await verify()).toBe(`${await rowCount()} intact`)
})

test('003.12 000.46 a row that its owner changed, whichever column and however little, is found', async () => {
  for (const host of ['a', 'b', 'c']) await upsert(host)
  const { projectId } = await broker.createProject()
  await broker.deps.accessLog.append(
    access({ projectId, runId: projectId, stepId: 's', reason: 'r', error: 'e' }),
  )
  const last = await rowCount()
  await upsert('after')
  const changes = {
    id: 'id + 1000',
    credential_id: `(SELECT min(id) FROM secrets.host_credentials WHERE host = 'b')`,
    host: "'H'",
    purpose: "'ssh '",
    accessed_by: 'NULL',
    access_type: "'update'",
    success: 'true',
    error_message: 'NULL',
    ip_address: "'127.0.0.1/8'",
    accessed_at: "accessed_at + interval '1 microsecond'",
    credential_uuid: 'gen_random_uuid()',
    project_id: 'NULL',
    run_id: 'gen_random_uuid()',
    step_id: "'S'",
    reason: 'NULL',
    host_credential_id: '1',
    chain_hash: "decode(repeat('ab', 32), 'hex')",
  }
  const { rows } = await broker.owner.query(
    `SELECT attname FROM pg_attribute WHERE attrelid = 'secrets.credential_access_log'::regclass AND attnum > 0 AND NOT attisdropped`,
  )
  expect(rows.map(({ attname }) => attname).sort()).toEqual(Object.keys(changes).sort())
  for (const [column, value] of Object.entries(changes)) {
    const found = await afterTampering(
      `UPDATE secrets.credential_access_log SET ${column} = ${value} WHERE id = ${last}`,
    )
    expect([column, found]).toEqual([column, `${last} ${column === 'id' ? 'missing' : 'changed'}`])
  }
  expect(await verify()).toBe(`${last + 1} intact`)
})

test('000.46 rows taken out, swapped, put in or cut off by their owner are found', async () => {
  for (let i = 0; i < 6; i++) await broker.deps.accessLog.append(access({ host: `h${i}` }))
  const last = await rowCount()
  const at = last - 3
  const table = 'secrets.credential_access_log'
  const columns = 'host, purpose, accessed_by, access_type, success, accessed_at, ip_address, chain_hash'
  const shift = (by: number) =>
    `UPDATE ${table} SET id = -id WHERE id > ${at}; UPDATE ${table} SET id = -id + ${by} WHERE id < 0;`
  expect({
    takenOut: await afterTampering(`DELETE FROM ${table} WHERE id = ${at}`),
    takenOutAndRenumbered: await afterTampering(
      `DELETE FROM ${table} WHERE id = ${at}; ${shift(-1)} UPDATE secrets.access_log_head SET last_id = last_id - 1`,
    ),
    swapped: await afterTampering(
      `UPDATE ${table} SET id = -id WHERE id IN (${at}, ${at + 2}); UPDATE ${table} SET id = ${2 * at + 2} + id WHERE id < 0`,
    ),
    inserted: await afterTampering(
      `${shift(1)} INSERT INTO ${table} (id, ${columns}) SELECT ${at + 1}, ${columns} FROM ${table} WHERE id = ${at};
       UPDATE secrets.access_log_head SET last_id = last_id + 1`,
    ),
    cutOff: await afterTampering(`DELETE FROM ${table} WHERE id > ${at}`),
    emptied: await afterTampering(`TRUNCATE ${table}`),
  }).toEqual({
    takenOut: `${at} missing`,
    takenOutAndRenumbered: `${at} missing`,
    swapped: `${at} re-ordered`,
    inserted: `${at + 1} inserted`,
    cutOff: `${at + 1} cut off`,
    emptied: '1 cut off',
  })
  expect(await verify()).toBe(`${last} intact`)
})

test('000.46 the service itself can neither change, delete nor empty the log, nor take its head away', async () => {
  for (const sql of [
    'UPDATE secrets.credential_access_log SET success = false',
    'DELETE FROM secrets.credential_access_log',
    'TRUNCATE secrets.credential_access_log',
    'DELETE FROM secrets.access_log_head',
    'TRUNCATE secrets.access_log_head',
  ])
    await expect(broker.deps.pool.query(sql)).rejects.toMatchObject({ code: '42501' })
})

test('003.12 200 lookups, changes and deletes at once, through two brokers, leave one chain with exactly one row each', async () => {
  const before = await rowCount()
  const deps = await createDeps(broker.config)
  await deps.keyring.load()
  const second = await listen(createApps(deps).internalApp, '127.0.0.1', 0)
  const headers = { 'x-internal-key': broker.deps.keys.own }
  const ask = (i: number, method: string, path: string, body?: unknown) =>
    send((i % 2 === 0 ? broker.internalUrl : second.url) + path, { method, headers, body })
  const hosts = ['x', 'y', 'z']
  try {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => {
        const host = hosts[i % 3] as string
        if (i % 10 === 1) return ask(i, 'DELETE', deletePath(host))
        if (i % 10 < 4) return ask(i, 'POST', upsertPath, { host, purpose: 'ssh', password: `passw0rd-${i}` })
        return ask(i, 'POST', lookupPath, { host, purpose: 'ssh' })
      }),
    )
    expect(answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 404)).toEqual(
      [],
    )
    expect(await verify()).toBe(`${before + 200} intact`)
    const { rows } = await broker.owner.query(
      'SELECT count(*) FILTER (WHERE success)::int AS ok FROM secrets.credential_access_log WHERE id > $1',
      [before],
    )
    expect(rows[0].ok).toBe(answers.filter(({ status }) => status === 200).length)
  } finally {
    await second.close()
    await deps.dispose()
  }
})

test('000.46 the head is written to the service’s own log, in the form that audit:verify takes', async () => {
  const lines: string[] = []
  const stream = new PassThrough().on('data', (line) => lines.push(String(line)))
  const events = createEvents(createLog('secrets-broker', 'info', stream), createMetrics())
  await reportHead({ pool: broker.deps.pool, events })
  const { rows } = await broker.owner.query(
    "SELECT id || ':' || encode(chain_hash, 'hex') AS head FROM secrets.credential_access_log ORDER BY id DESC LIMIT 1",
  )
  expect(lines.map((line) => JSON.parse(line).access_log_head)).toEqual([rows[0].head])
})

test('a row that the table does not take fails alone, whoever shares its commit', async () => {
  const before = await rowCount()
  const { accessLog } = broker.deps
  const results = await Promise.allSettled([
    accessLog.append(access()),
    accessLog.append(access({ host: 'good' })),
    accessLog.append(access({ host: 'x'.repeat(256) })),
    accessLog.append(access({ reason: 'a\0b' })),
    accessLog.append(access({ host: 'good' }), access({ projectId: 'no uuid' })),
    accessLog.append(access({ host: 'good' }), access({ host: 'good' })),
  ])
  expect(results.map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'rejected',
    'rejected',
    'rejected',
    'fulfilled',
  ])
  expect(await verify()).toBe(`${before + 4} intact`)
})

test('003.12 where the commit of the row fails, the lookup answers 503 and no secret, and a change is not made', async () => {
  await upsert('commit')
  const before = await rowCount()
  await broker.owner.query(`
    CREATE FUNCTION secrets.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no commit'; END $$;
    CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON secrets.credential_access_log
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION secrets.refuse()`)
  try {
    for (const answer of [
      await lookup('commit'),
      await upsert('commit', 'other-password'),
      await broker.internal('DELETE', deletePath('commit')),
    ]) {
      expect([answer.status, answer.headers['retry-after']]).toEqual([503, '2'])
      expect(answer.text).not.toContain('passw0rd')
    }
  } finally {
    await broker.owner.query(
      'DROP TRIGGER refuse ON secrets.credential_access_log; DROP FUNCTION secrets.refuse()',
    )
  }
  expect((await lookup('commit')).body.password).toBe('passw0rd')
  expect(await verify()).toBe(`${before + 1} intact`)
})

test('003.16 the seed’s three audit queries run verbatim and say what happened', async () => {
  await broker.owner.query(
    "TRUNCATE secrets.credential_access_log; UPDATE secrets.access_log_head SET last_id = 0, chain_hash = decode(repeat('00', 32), 'hex')",
  )
  await upsert('audited')
  await lookup('audited')
  await lookup('nowhere')
  await broker.internal('POST', lookupPath, { host: 'audited', purpose: 'ssh' }, null)
  const { rows: recent } = await broker.owner.query(`SELECT 
    host, 
    purpose, 
    accessed_by, 
    access_type, 
    success, 
    accessed_at
FROM secrets.credential_access_log
ORDER BY accessed_at DESC
LIMIT 100;`)
  // Two rows may be of one millisecond.
  expect(recent.map(({ host, access_type, success }) => `${host} ${access_type} ${success}`).sort()).toEqual([
    'audited create true',
    'audited read true',
    'nowhere read false',
    'unknown read false',
  ])
  const { rows: failed } = await broker.owner.query(`SELECT 
    host, 
    purpose, 
    accessed_by, 
    error_message, 
    accessed_at
FROM secrets.credential_access_log
WHERE success = false
ORDER BY accessed_at DESC;`)
  expect(
    failed.map(({ host, accessed_by, error_message }) => `${host} ${accessed_by} ${error_message}`).sort(),
  ).toEqual([
    'nowhere operator Credential not found',
    'unknown null Invalid or missing X-Internal-Key header',
  ])
  const { rows: byService } = await broker.owner.query(`SELECT 
    accessed_by, 
    COUNT(*) as access_count,
    SUM(CASE WHEN success THEN 1 ELSE 0 END) as successful,
    SUM(CASE WHEN NOT success THEN 1 ELSE 0 END) as failed
FROM secrets.credential_access_log
WHERE accessed_at > NOW() - INTERVAL '24 hours'
GROUP BY accessed_by
ORDER BY access_count DESC;`)
  expect(byService).toEqual([
    { accessed_by: 'operator', access_count: '3', successful: '2', failed: '1' },
    { accessed_by: null, access_count: '1', successful: '0', failed: '1' },
  ])
})
