import { randomUUID } from 'node:crypto'
import { type RunJobInput, runJobWorkflow, workflowIdOf } from '@opsconductor/contracts'
import { Client, Connection } from '@temporalio/client'
import { signIn } from '../demo/gateway-api.ts'
import type { Demo } from '../demo/set-up-demo.ts'
import { adminEmail } from '../local/services.ts'
import type { Stack } from '../local/stack.ts'
import { startBareWorker } from './start-bare-worker.ts'
import { type Latencies, measureInTurns } from './statistics.ts'

export interface StepsResult {
  /** A job of 500 http.get steps beside 500 activities that send the same request. */
  many: { job: Latencies; bare: Latencies }
  /** Three steps beside three activities. */
  three: { job: Latencies; bare: Latencies }
  /** Three short steps, which run as local activities, beside three local activities. */
  threeLocal: { job: Latencies; bare: Latencies }
}

const manySteps = 500
/** So short that its step runs as a local activity. */
const shortSeconds = 2

/** Jobs started as any Temporal client starts them, in turns with a bare worker's workflows on the same server. */
export async function benchSteps(stack: Stack, demo: Demo): Promise<StepsResult> {
  const admin = await signIn(stack.backing.kongProxyUrl, adminEmail, stack.keys.adminPassword)
  const api = admin.inProject(demo.projectId)
  const url = `http://127.0.0.1:${stack.layout.ports.demoStatus}/healthz`
  const createJob = async (count: number, more: object = {}) => {
    const steps = Array.from({ length: count }, (_, i) => ({
      ...{ id: `s${i}`, type: 'http.get', input: { url } },
      ...more,
    }))
    return api.send<{ id: string }>('POST', '/api/jobs', { name: `bench ${randomUUID()}`, steps })
  }
  const [many, three, short] = [
    await createJob(manySteps),
    await createJob(3),
    await createJob(3, { timeout_seconds: shortSeconds }),
  ]
  const worker = await startBareWorker(stack, demo)
  const connection = await Connection.connect({ address: stack.backing.temporalAddress })
  const client = new Client({ connection, namespace: `project-${demo.projectId}` })
  const runJob = (job: { id: string }) => () => runJobOnce(client, job.id)
  const runBare = (type: string, count: number) => () =>
    client.workflow.execute(type, { taskQueue: 'bare', workflowId: `bare-${randomUUID()}`, args: [count] })
  const inTurns = async (
    rounds: number,
    perRound: number,
    bare: () => Promise<unknown>,
    job: typeof bare,
  ) => {
    await measureInTurns(1, Math.min(perRound, 10), bare, job)
    const [bareTimes, jobTimes] = await measureInTurns(rounds, perRound, bare, job)
    return { bare: bareTimes, job: jobTimes }
  }
  try {
    return {
      many: await inTurns(5, 1, runBare('bareRequests', manySteps), runJob(many)),
      three: await inTurns(10, 10, runBare('bareRequests', 3), runJob(three)),
      threeLocal: await inTurns(10, 10, runBare('bareLocalRequests', 3), runJob(short)),
    }
  } finally {
    await connection.close()
    await worker.stop()
  }
}

function runJobOnce(client: Client, jobId: string): Promise<unknown> {
  const runId = randomUUID()
  const input: RunJobInput = {
    ...{ run_id: runId, job_id: jobId, version: 1, input: {}, body_hash: null },
    trigger: { kind: 'api', interface_id: null, user_id: null, api_key_id: null },
  }
  return client.workflow.execute(runJobWorkflow.type, {
    ...{ taskQueue: runJobWorkflow.taskQueue, workflowId: workflowIdOf(runId), args: [input] },
  })
}
