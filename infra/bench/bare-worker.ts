/** A bare Temporal worker in a process of its own, as the executor is; prints `ready` when it polls. */
import { fileURLToPath } from 'node:url'
import { NativeConnection, Runtime, Worker } from '@temporalio/worker'
import pg from 'pg'
import { Agent } from 'undici'
import { createBareActivities } from './bare-activities.ts'

const { TEMPORAL_ADDRESS, NAMESPACE, STATUS_URL, AUTHORIZATION, CATALOGUE_DSN } = process.env as Record<
  string,
  string
>
Runtime.install({ logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error() {} } })
const connection = await NativeConnection.connect({ address: TEMPORAL_ADDRESS })
const worker = await Worker.create({
  connection,
  namespace: NAMESPACE,
  taskQueue: 'bare',
  workflowsPath: fileURLToPath(new URL('./bare.workflow.ts', import.meta.url)),
  activities: createBareActivities({
    statusUrl: STATUS_URL as string,
    authorization: AUTHORIZATION as string,
    pool: new pg.Pool({ connectionString: CATALOGUE_DSN }),
    http: new Agent(),
  }),
})
const running = worker.run()
console.log('ready')
await running
process.exit(0)
