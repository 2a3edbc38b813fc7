import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { snmpWalk } from '../../services/executor/src/step-types/snmp-walk.ts'
import { community, snmpTools } from '../../services/executor/test/snmp/snmp-tools.ts'
import { type Latencies, measureInTurns } from './statistics.ts'

const rowCount = 100_000
const repetitions = 50
const rounds = 5
const table = '1.3.6.1.2.1.2.2.1.10'

/** `snmp.walk` of a large table into an artefact beside `snmpbulkwalk` with as many repetitions. */
export async function benchSnmpWalk(): Promise<{ ours: Latencies; bulkwalk: Latencies }> {
  const agent = spawn(process.execPath, [fileURLToPath(new URL('./snmp-agent.ts', import.meta.url))], {
    env: { ...process.env, ROWS: String(rowCount) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const [printed] = await once(agent.stdout, 'data')
    const port = Number(String(printed))
    const { tools } = snmpTools({
      credential: community('public'),
      ports: [port],
      signal: new AbortController().signal,
    })
    const walkOurs = async () => {
      const input = { host: 'agent', port, oid: table, repetitions, rows_max: 1_000_000, save_as: 'rows' }
      const { row_count } = await snmpWalk.run(snmpWalk.input.parse(input) as never, tools)
      if (row_count !== rowCount) throw new Error(`${row_count} rows came.`)
    }
    const theirs = ['-v2c', '-cpublic', '-On', `-Cr${repetitions}`, `127.0.0.1:${port}`, table]
    const walkTheirs = () => promisify(execFile)('snmpbulkwalk', theirs, { maxBuffer: 64 * 1024 * 1024 })
    await measureInTurns(1, 1, walkTheirs, walkOurs)
    const [bulkwalk, ours] = await measureInTurns(rounds, 1, walkTheirs, walkOurs)
    return { ours, bulkwalk }
  } finally {
    agent.kill()
  }
}
