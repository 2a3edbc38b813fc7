import { expect, test } from '@jest/globals'
import { type AgentScript, ber, startScriptedAgent } from '@opsconductor/test-peers'
import { snmpDiscover } from '../../src/step-types/snmp-discover.ts'
import { community, runStepType, snmpTools, userCredential } from './snmp-tools.ts'

const { encode, integer, octets, oid, sequence, tags } = ber

const device =
  (name: string): AgentScript =>
  ({ oids, respond }) => {
    const values = [octets(`${name} of the tests`), oid('1.3.6.1.4.1.9.1.1'), octets(name)]
    return respond(oids.map((one, at) => sequence(oid(one), values[at] as Buffer)))
  }

/** Agents at two addresses of loopback, on one port. */
async function startDevices(second: AgentScript = device('b')) {
  const first = await startScriptedAgent(device('a'))
  const other = await startScriptedAgent(second, { address: '127.0.0.3', port: first.port })
  return { port: first.port, close: () => Promise.all([first.close(), other.close()]) }
}

const loopback = (port: number) => ({ allow: [{ cidr: '127.0.0.0/8', ports: [port] }], ports: [port] })

test('000.33 a sweep finds who answers, in the order of addresses, and says how far it is', async () => {
  const devices = await startDevices()
  const { tools, told } = snmpTools({ credential: community('public'), ...loopback(devices.port) })
  const input = snmpDiscover.input.parse({
    network: '127.0.0.0/28',
    port: devices.port,
    timeout_ms: 1_500,
    retries: 0,
  })
  const found = await snmpDiscover.run(input as never, tools)
  await devices.close()
  expect(found).toEqual({
    devices: [
      {
        address: '127.0.0.1',
        name: 'a',
        description: 'a of the tests',
        object_id: '1.3.6.1.4.1.9.1.1',
        object_name: 'SNMPv2-SMI::enterprises.9.1.1',
        latency_ms: expect.any(Number),
      },
      expect.objectContaining({ address: '127.0.0.3', name: 'b' }),
    ],
    refused: [],
    asked: 14,
    denied: 0,
    truncated: false,
  })
  expect(told).toHaveLength(14)
  expect(told.at(-1)).toEqual({ done: 14, total: 14, found: 2 })
})

test.each<[string, AgentScript, RegExp]>([
  [
    'who is there and answers wrongly is named',
    ({ respond }) => respond([sequence(oid('1.3.6.1.4.1.9'), integer(1))]),
    /other variables/,
  ],
  [
    'a device whose name is no value of its type is named',
    ({ oids, respond }) =>
      respond(oids.map((one) => sequence(oid(one), encode(tags.counter64, Buffer.alloc(10))))),
    /type it names/,
  ],
])('%s, and does not end the sweep', async (_, second, message) => {
  const devices = await startDevices(second)
  const found = await runStepType(
    snmpDiscover,
    { network: '127.0.0.0/29', port: devices.port, timeout_ms: 1_500, retries: 0 },
    { credential: community('public'), ...loopback(devices.port) },
  )
  await devices.close()
  expect(found.devices).toMatchObject([{ address: '127.0.0.1' }])
  expect(found.refused).toEqual([{ address: '127.0.0.3', message: expect.stringMatching(message) }])
})

test('no more addresses are asked at once than said', async () => {
  let asked = 0
  let most = 0
  let told: readonly unknown[] = []
  const silent: AgentScript = () => {
    most = Math.max(most, ++asked - told.length)
    return undefined
  }
  const first = await startScriptedAgent(silent)
  const others = await Promise.all(
    [2, 3, 4, 5, 6].map((last) =>
      startScriptedAgent(silent, { address: `127.0.0.${last}`, port: first.port }),
    ),
  )
  const run = snmpTools({ credential: community('public'), ...loopback(first.port) })
  told = run.told
  const input = { network: '127.0.0.0/29', port: first.port, timeout_ms: 1_000, retries: 0, concurrency: 2 }
  const found = await snmpDiscover.run(snmpDiscover.input.parse(input) as never, run.tools)
  await Promise.all([first, ...others].map((agent) => agent.close()))
  expect(found).toMatchObject({ devices: [], asked: 6 })
  expect(most).toBe(2)
})

test('every address is held against the outbound policy and the limits of the credential', async () => {
  const devices = await startDevices()
  const sweep = (of: object) =>
    runStepType(
      snmpDiscover,
      { network: '127.0.0.0/29', port: devices.port, timeout_ms: 1_500, retries: 0 },
      { credential: community('public'), ports: [devices.port], ...of },
    )
  expect(await sweep({})).toMatchObject({ devices: [{ address: '127.0.0.1' }], asked: 1, denied: 5 })
  const limited = { ...loopback(devices.port), limitsHosts: [['127.0.0.3']] }
  expect(await sweep(limited)).toMatchObject({ devices: [{ address: '127.0.0.3' }], asked: 1, denied: 5 })
  await expect(sweep({ allow: [] })).rejects.toMatchObject({ code: 'outbound_denied' })
  await devices.close()
})

test('a sweep ends as soon as it is cancelled', async () => {
  const cancelled = new AbortController()
  const reason = new Error('CANCELLED')
  const agent = await startScriptedAgent(() => {
    cancelled.abort(reason)
    return undefined
  })
  const sweep = runStepType(
    snmpDiscover,
    { network: '127.0.0.0/20', port: agent.port, timeout_ms: 30_000 },
    { credential: community('public'), ...loopback(agent.port), signal: cancelled.signal },
  )
  await expect(sweep).rejects.toBe(reason)
  await agent.close()
})

test('a credential that is not whole fails the step before anything is asked', async () => {
  const agent = await startScriptedAgent(() => undefined)
  await expect(
    runStepType(
      snmpDiscover,
      { network: '127.0.0.1/32', port: agent.port },
      {
        credential: userCredential(
          { username: 'ops', level: 'authNoPriv', auth_protocol: 'sha' },
          { auth: 'short', priv: '' },
        ),
        ...loopback(agent.port),
      },
    ),
  ).rejects.toMatchObject({ code: 'step_failed' })
  expect(agent.asked()).toBe(0)
  await agent.close()
})
