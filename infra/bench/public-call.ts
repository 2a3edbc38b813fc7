import { randomUUID } from 'node:crypto'
import { Client, Connection } from '@temporalio/client'
import { callDemo, type Demo } from '../demo/set-up-demo.ts'
import type { Stack } from '../local/stack.ts'
import { startBareWorker } from './start-bare-worker.ts'
import { type Latencies, measureConcurrent, measureInTurns } from './statistics.ts'

export interface PublicCallResult {
  call: Latencies
  bare: Latencies
  callAtOnce: Latencies
  bareAtOnce: Latencies
}

const warmUp = { rounds: 1, perRound: 30 }
const inTurns = { rounds: 20, perRound: 10 }
const atOnce = { count: 300, width: 8 }

/** The public call through the gateway beside a bare workflow with the same activities, in turns on one server. */
export async function benchPublicCall(stack: Stack, demo: Demo): Promise<PublicCallResult> {
  const worker = await startBareWorker(stack, demo)
  const connection = await Connection.connect({ address: stack.backing.temporalAddress })
  const client = new Client({ connection, namespace: `project-${demo.projectId}` })
  const callBare = () =>
    client.workflow.execute('bareReport', {
      taskQueue: 'bare',
      workflowId: `bare-${randomUUID()}`,
      args: [demo.body.service],
    })
  const call = () => callDemo(demo)
  try {
    await measureInTurns(warmUp.rounds, warmUp.perRound, callBare, call)
    const [bareOneByOne, callOneByOne] = await measureInTurns(
      inTurns.rounds,
      inTurns.perRound,
      callBare,
      call,
    )
    return {
      bare: bareOneByOne,
      call: callOneByOne,
      bareAtOnce: await measureConcurrent(atOnce.count, atOnce.width, callBare),
      callAtOnce: await measureConcurrent(atOnce.count, atOnce.width, call),
    }
  } finally {
    await connection.close()
    await worker.stop()
  }
}
