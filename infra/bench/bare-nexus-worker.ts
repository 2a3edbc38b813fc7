/** Bare Temporal workers of two namespaces, one that calls and one that serves, in a process of their own; prints `ready`. */
import { fileURLToPath } from 'node:url'
import { getClient } from '@temporalio/nexus'
import { NativeConnection, Runtime, Worker } from '@temporalio/worker'
import * as nexus from 'nexus-rpc'
import pg from 'pg'
import { bareCalls } from './bare-calls.ts'

const { TEMPORAL_ADDRESS, SOURCE, TARGET, DATABASE_URL } = process.env as Record<string, string>
Runtime.install({ logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} } })
const connection = await NativeConnection.connect({ address: TEMPORAL_ADDRESS })
const pool = new pg.Pool({ connectionString: DATABASE_URL })
const both = {
  connection,
  taskQueue: 'bare-nexus',
  workflowsPath: fileURLToPath(new URL('./bare-nexus.workflow.ts', import.meta.url)),
}
const calls = await Worker.create({
  ...both,
  namespace: SOURCE,
  activities: { askDatabase: async () => (await pool.query('SELECT 1')).rows },
})
const serves = await Worker.create({
  ...both,
  namespace: TARGET,
  nexusServices: [
    nexus.serviceHandler(bareCalls, {
      call: (_, input) =>
        getClient()
          .workflow.getHandle('counter-bare')
          .executeUpdate('add', { args: [input] }),
    }),
  ],
})
const running = [calls.run(), serves.run()]
console.log('ready')
await Promise.all(running)
process.exit(0)
