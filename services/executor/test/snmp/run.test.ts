import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type Snmpd, snmpPassphrases, startSnmpd } from '@opsconductor/test-peers'
import { createJob, type ExecutorUnderTest, runToEnd, startExecutor } from '../support/executor.ts'

let executor: ExecutorUnderTest
let snmpd: Snmpd

beforeAll(async () => {
  ;[snmpd, executor] = await Promise.all([startSnmpd(), startExecutor()])
  await executor.open(snmpd.port)
  const { projectId } = executor
  executor.broker.add({
    projectId,
    name: 'reads',
    type: 'snmp_community',
    secret: { community: 'public' },
    extra: { version: 'v2c' },
  })
  executor.broker.add({
    projectId,
    name: 'writes',
    type: 'snmp_v3',
    secret: { auth_passphrase: snmpPassphrases.auth, priv_passphrase: snmpPassphrases.priv },
    extra: { username: 'strong', level: 'authPriv', auth_protocol: 'sha512', priv_protocol: 'aes256b' },
  })
}, 60_000)
afterAll(async () => {
  await executor?.stop()
  await snmpd?.close()
})

const target = () => ({ host: '127.0.0.1', port: snmpd.port, timeout_ms: 1_000, retries: 1 })

test('000.28 a job reads, writes what it read and walks; what was lent is in no record of it', async () => {
  const job = await createJob(executor, {
    steps: [
      { id: 'read', type: 'snmp.get', credential: 'reads', input: { ...target(), oids: ['sysName.0'] } },
      {
        id: 'write',
        type: 'snmp.set',
        credential: 'writes',
        input: {
          ...target(),
          values: [
            { oid: 'sysLocation.0', value: 'beside {{ steps.read.values.0.value }}, {{ input.word }}' },
          ],
        },
      },
      {
        id: 'walk',
        type: 'snmp.walk',
        credential: 'writes',
        input: { ...target(), oid: 'system', save_as: 'system.jsonl' },
      },
    ],
    output: {
      place: '{{ steps.write.values.0.value }}',
      file: '{{ steps.walk.artefact }}',
      rows: '{{ steps.walk.row_count }}',
    },
  })
  const run = await runToEnd(executor, job.id, { word: snmpPassphrases.priv })
  expect(run).toMatchObject({
    status: 'succeeded',
    output: { file: { name: 'system.jsonl' }, rows: expect.any(Number) },
  })
  expect(run.output.place).toMatch(/^beside device-1, .*redacted/)
  const artefact = await executor.deps.pool.query(
    "SELECT string_agg(convert_from(content, 'UTF8'), '' ORDER BY position) AS text FROM executor.artefact_chunks WHERE artefact_id = $1",
    [run.output.file.id],
  )
  expect(artefact.rows[0].text.trim().split('\n')).toHaveLength(run.output.rows)
  expect(artefact.rows[0].text).not.toContain(snmpPassphrases.priv)
})

test.each<[string, object, RegExp]>([
  [
    'a set without a credential',
    { type: 'snmp.set', input: { values: [{ oid: 'sysName.0', value: 'x' }] } },
    /credential is needed/,
  ],
  [
    'a network that is too large',
    { type: 'snmp.discover', credential: 'reads', input: { network: '10.0.0.0/8' } },
    /network must be/,
  ],
  ['no OIDs', { type: 'snmp.get', credential: 'reads', input: { host: 'a', oids: [] } }, /oids/],
  [
    'a port out of range',
    { type: 'snmp.get', credential: 'reads', input: { host: 'a', port: 65_536, oids: ['1.3'] } },
    /port/,
  ],
  [
    'a host that is none',
    { type: 'snmp.get', credential: 'reads', input: { host: 'http://a', oids: ['1.3'] } },
    /host/,
  ],
  [
    'bastions, which carry no UDP',
    { type: 'snmp.get', credential: 'reads', via: ['b'], input: { host: 'a', oids: ['1.3'] } },
    /via/,
  ],
  [
    'a value that is a list',
    { type: 'snmp.set', credential: 'writes', input: { host: 'a', values: [{ oid: '1.3', value: [1] }] } },
    /value/,
  ],
])('a job with %s is refused when it is saved', async (_, step, message) => {
  const answer = await executor.call('POST', '/api/jobs', { name: 'x', steps: [{ id: 'ask', ...step }] })
  expect([answer.status, answer.body.detail]).toEqual([422, expect.stringMatching(message)])
})
