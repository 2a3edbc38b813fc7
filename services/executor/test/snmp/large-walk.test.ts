import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { ber, startScriptedAgent, tableScript } from '@opsconductor/test-peers'
import { snmpWalk } from '../../src/step-types/snmp-walk.ts'
import { community, runStepType, snmpTools } from './snmp-tools.ts'

const { integer, oid, sequence, tags } = ber
const rowCount = 100_000
let agent: Awaited<ReturnType<typeof startScriptedAgent>>

beforeAll(async () => {
  const rows = Array.from({ length: rowCount }, (_, at) => {
    const name = `1.3.6.1.2.1.2.2.1.10.${at + 1}`
    return { oid: name, varbind: sequence(oid(name), integer(at, tags.counter32)) }
  })
  agent = await startScriptedAgent(tableScript(rows))
})
afterAll(() => agent?.close())

const input = (more: object = {}) =>
  snmpWalk.input.parse({ host: 'a', port: agent.port, oid: 'IF-MIB::ifTable', ...more }) as never
const tools = () => snmpTools({ credential: community('public'), ports: [agent.port] })

test('000.32 100,000 rows go into an artefact, one JSON object a line', async () => {
  const of = tools()
  const result = await snmpWalk.run(input({ rows_max: 1_000_000, save_as: 'interfaces.jsonl' }), of.tools)
  expect(result).toEqual({
    rows: [],
    row_count: rowCount,
    truncated: false,
    artefact: { id: 'a', name: 'interfaces.jsonl', bytes: expect.any(Number) },
  })
  const lines = of.saved[0]?.text.trimEnd().split('\n') ?? []
  expect(lines).toHaveLength(rowCount)
  const wrong = lines.filter((line, at) => JSON.parse(line).oid !== `1.3.6.1.2.1.2.2.1.10.${at + 1}`)
  expect(wrong).toEqual([])
  expect(JSON.parse(lines[99_999] as string)).toEqual({
    oid: '1.3.6.1.2.1.2.2.1.10.100000',
    name: 'IF-MIB::ifInOctets.100000',
    type: 'Counter32',
    value: 99_999,
  })
  expect(of.told.at(-1)).toEqual({ rows: rowCount })
}, 30_000)

test('rows are asked for only as fast as they are kept', async () => {
  const of = tools()
  const before = agent.asked()
  Object.assign(of.tools.artefacts, {
    async write({ content }: { content: AsyncIterable<Uint8Array> }) {
      for await (const _ of content) break
      throw new Error('the disk is full')
    },
  })
  await expect(snmpWalk.run(input({ rows_max: 1_000_000, save_as: 'x' }), of.tools)).rejects.toThrow(
    'disk is full',
  )
  expect(agent.asked() - before).toBeLessThanOrEqual(3)
})

test('without an artefact the rows are cut at what a result holds', async () => {
  const cut = await runStepType(
    snmpWalk,
    { host: 'a', port: agent.port, oid: 'ifTable' },
    { credential: community('public'), ports: [agent.port] },
  )
  expect(cut.truncated).toBe(true)
  expect(cut.row_count).toBeGreaterThan(1_000)
  expect(JSON.stringify(cut).length).toBeLessThan(256 * 1024)
})
