import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { HeldCredential } from '@opsconductor/reach'
import { type Snmpd, snmpPassphrases, snmpUsers, startSnmpd } from '@opsconductor/test-peers'
import { library } from '../../src/snmp/net-snmp.ts'
import { openAgent } from '../../src/snmp/session.ts'
import { snmpGet } from '../../src/step-types/snmp-get.ts'
import { snmpSet } from '../../src/step-types/snmp-set.ts'
import { snmpWalk } from '../../src/step-types/snmp-walk.ts'
import { community, runStepType, snmpTools, userCredential } from './snmp-tools.ts'

let snmpd: Snmpd
beforeAll(async () => {
  snmpd = await startSnmpd()
}, 20_000)
afterAll(() => snmpd?.close())

const target = (more: object = {}) => ({
  host: 'localhost',
  port: snmpd.port,
  timeout_ms: 1_000,
  retries: 1,
  ...more,
})
const of = (credential: HeldCredential) => ({ credential, ports: [snmpd.port] })
const get = (credential: HeldCredential, oids: string[], more: object = {}) =>
  runStepType(snmpGet, { ...target(more), oids }, of(credential))
const set = (credential: HeldCredential, values: object[]) =>
  runStepType(snmpSet, { ...target(), values }, of(credential))

const sysName = {
  oid: '1.3.6.1.2.1.1.5.0',
  name: 'SNMPv2-MIB::sysName.0',
  type: 'OctetString',
  value: 'device-1',
  encoding: 'text',
}

test.each(['v1', 'v2c'] as const)(
  '000.28 000.29a 000.29b 000.30 %s: get, walk and set with a community',
  async (version) => {
    expect(await get(community('public', version), ['sysName.0'])).toEqual({ values: [sysName] })
    const walked = await runStepType(
      snmpWalk,
      { ...target(), oid: 'SNMPv2-MIB::system' },
      of(community('public', version)),
    )
    expect(walked.rows[0]).toMatchObject({ name: 'SNMPv2-MIB::sysDescr.0', value: 'A device of the tests' })
    expect(walked).toMatchObject({ truncated: false, artefact: null, row_count: walked.rows.length })
    expect(walked.rows.every(({ oid }: { oid: string }) => oid.startsWith('1.3.6.1.2.1.1.'))).toBe(true)
    const place = `rack ${version}`
    const written = await set(community('private', version), [{ oid: 'sysLocation.0', value: place }])
    expect(written.values).toMatchObject([{ name: 'SNMPv2-MIB::sysLocation.0', value: place }])
    expect((await get(community('public', version), ['sysLocation.0'])).values[0].value).toBe(place)
  },
)

test.each(snmpUsers)(
  '000.28 000.29c 000.30 v3 $level $auth_protocol $priv_protocol: get, walk and, with privacy, set',
  async (user) => {
    const credential = userCredential(user)
    expect(await get(credential, ['sysName.0'])).toEqual({ values: [sysName] })
    const walked = await runStepType(snmpWalk, { ...target(), oid: 'sysORTable' }, of(credential))
    expect(walked.row_count).toBeGreaterThan(20)
    if (user.level !== 'authPriv') return
    await set(credential, [{ oid: 'sysContact.0', value: user.username }])
    expect((await get(credential, ['sysContact.0'])).values[0].value).toBe(user.username)
  },
)

test('no key that was made of a passphrase stays after a session', () => {
  expect(library.Authentication.authToKeyCache).toEqual({})
})

test('what the agent does not have is said in the result, in v1 as in v2c', async () => {
  const oids = ['sysName.0', 'sysName.7', '1.3.6.1.2.1.1.99.0', 'sysDescr.0']
  for (const version of ['v1', 'v2c'] as const) {
    const { values } = await get(community('public', version), oids)
    expect(values.map(({ value }: { value: unknown }) => value)).toEqual([
      'device-1',
      null,
      null,
      'A device of the tests',
    ])
    expect(values[1].type).toMatch(/^NoSuch/)
  }
})

test('000.31 a value is shown as its MIB says: labels, hints, names of OIDs', async () => {
  const { values } = await get(community('public'), [
    'ifOperStatus.1',
    'IF-MIB::ifType.1',
    'sysObjectID.0',
    'ifDescr.1',
  ])
  expect(values).toMatchObject([
    { name: 'IF-MIB::ifOperStatus.1', type: 'Integer', value: 1, label: 'up' },
    { value: 24, label: 'softwareLoopback' },
    { type: 'OID', value: '1.3.6.1.4.1.8072.3.2.10', display: 'SNMPv2-SMI::enterprises.8072.3.2.10' },
    { value: 'lo', encoding: 'text' },
  ])
})

test('a walk of one variable is that variable, and of nothing is nothing', async () => {
  for (const version of ['v1', 'v2c'] as const) {
    const walk = (oid: string) =>
      runStepType(snmpWalk, { ...target(), oid }, of(community('public', version)))
    expect((await walk('sysName.0')).rows).toEqual([sysName])
    expect((await walk('1.3.6.1.2.1.1.99')).rows).toEqual([])
  }
})

test('rows_max cuts a walk and says so', async () => {
  const cut = await runStepType(
    snmpWalk,
    { ...target(), oid: 'system', rows_max: 3 },
    of(community('public')),
  )
  expect(cut).toMatchObject({ row_count: 3, truncated: true })
  expect(cut.rows).toHaveLength(3)
})

const strong = snmpUsers.find(({ username }) => username === 'strong') as (typeof snmpUsers)[number]
const wrong = 'wrong-pass-0123'

test.each<[string, () => HeldCredential, string, RegExp]>([
  [
    'an unknown user',
    () => userCredential({ ...strong, username: 'nobody' }),
    'target_refused',
    /does not know the user/,
  ],
  [
    'a wrong authentication passphrase',
    () => userCredential(strong, { ...snmpPassphrases, auth: wrong }),
    'target_refused',
    /authentication passphrase or protocol is wrong/,
  ],
  [
    'a level that the user does not have',
    () => userCredential({ username: 'none', level: 'authNoPriv', auth_protocol: 'sha' }),
    'target_refused',
    /another security level/,
  ],
  [
    'a wrong privacy passphrase, which the agent does not answer',
    () => userCredential(strong, { ...snmpPassphrases, priv: wrong }),
    'target_unreachable',
    /did not answer. A wrong privacy passphrase/,
  ],
  [
    'a wrong community, which the agent does not answer',
    () => community('wrong'),
    'target_unreachable',
    /A wrong community looks the same/,
  ],
])('%s is told as what it is', async (_, credential, code, message) => {
  const refused = get(credential(), ['sysName.0'], { timeout_ms: 300, retries: 0 })
  await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  if (code === 'target_refused')
    await expect(refused).rejects.toMatchObject({ internal: { refusedCredential: true } })
})

test.each<[string, object[], RegExp]>([
  ['what can only be read', [{ oid: 'sysUpTime.0', value: 1 }], /can only be read/],
  [
    'a configured value',
    [{ oid: 'sysName.0', value: 'x' }],
    /sysName|can only be read|1\.3\.6\.1\.2\.1\.1\.5\.0/,
  ],
  ['a wrong type', [{ oid: 'sysLocation.0', type: 'Integer', value: 5 }], /type is wrong/],
  [
    'what is too long',
    [{ oid: 'sysLocation.0', value: 'x'.repeat(300) }],
    /length is wrong|value is not allowed|type is wrong/,
  ],
])('an agent that refuses %s is quoted, and nothing is written', async (_, values, message) => {
  await set(community('private'), [{ oid: 'sysContact.0', value: 'before' }])
  const refused = set(community('private'), [{ oid: 'sysContact.0', value: 'after' }, ...values])
  await expect(refused).rejects.toMatchObject({
    code: 'target_refused',
    message: expect.stringMatching(message),
  })
  expect((await get(community('public'), ['sysContact.0'])).values[0].value).toBe('before')
})

test('a community that only reads may not write', async () => {
  const refused = set(community('public'), [{ oid: 'sysContact.0', value: 'x' }])
  await expect(refused).rejects.toMatchObject({ code: 'target_refused' })
})

test('an agent that is started again is asked as before, in a session that was open too', async () => {
  const { tools } = snmpTools(of(userCredential(strong)))
  const session = await openAgent(
    { host: 'localhost', port: snmpd.port, timeoutMs: 1_000, retries: 1 },
    tools,
  )
  const ask = () => session.get([sysName.oid])
  const before = await ask()
  await snmpd.restart()
  expect(await ask()).toEqual(before)
  session.close()
  expect(await get(userCredential(strong), ['sysName.0'])).toEqual({ values: [sysName] })
})

test('000.32 a walk has what snmpbulkwalk has', async () => {
  const { stdout } = spawnSync(
    'snmpbulkwalk',
    ['-v2c', '-c', 'public', '-On', '-Cr20', `127.0.0.1:${snmpd.port}`, '1.3.6.1.2.1.2'],
    { encoding: 'utf8', env: { ...process.env, MIBS: '' } },
  )
  const walked = await runStepType(
    snmpWalk,
    { ...target(), oid: 'IF-MIB::interfaces' },
    of(community('public')),
  )
  const oids = walked.rows.map(({ oid }: { oid: string }) => oid)
  expect(oids).toEqual([...stdout.matchAll(/^\.([\d.]+) = /gm)].map(([, oid]) => oid))
  expect(oids.length).toBeGreaterThan(20)
})
