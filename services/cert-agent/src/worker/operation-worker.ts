import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { operationWorkflow } from '@opsconductor/contracts'
import type { Tracing } from '@opsconductor/service-kit'
import { ensureNamespace } from '@opsconductor/temporal'
import {
  connectWorkers,
  installRuntime,
  loadWorkflowBundle,
  temporalLog,
  workerTracing,
} from '@opsconductor/temporal/worker'
import { type NativeConnection, Worker } from '@temporalio/worker'
import type { Deps } from '../deps.ts'
import { createActivities } from '../operations/activities.ts'

const workflowsPath = fileURLToPath(new URL('../workflow/run-operation.ts', import.meta.url))
const tryAgainMs = { first: 500, most: 15_000 }

const tuning = {
  maxConcurrentWorkflowTaskPolls: 2,
  maxConcurrentActivityTaskPolls: 2,
  maxConcurrentWorkflowTaskExecutions: 20,
  // SSH, key generation and probes share two cores with everything else.
  maxConcurrentActivityTaskExecutions: 40,
  maxConcurrentLocalActivityExecutions: 40,
  maxCachedWorkflows: 200,
  // After a worker's death its workflows wait this long before another takes them over.
  stickyQueueScheduleToStartTimeout: 3_000,
  // A cancellation is heard with the answer to a heartbeat.
  maxHeartbeatThrottleInterval: 500,
  defaultHeartbeatThrottleInterval: 500,
  // Work under way is told at once; a deployment takes back what it began.
  shutdownGraceTime: 0,
  shutdownForceTime: 6_000,
  // Our own patch of the SDK: none (infra/decisions/0017).
  isolateExecutionTimeout: 0,
} as const

export interface OperationWorker {
  /** Serves as soon as Temporal is there, and again where it went. */
  start(): void
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>
}

/** The worker of every operation of this installation; any number of processes may have one. */
export function createOperationWorker(deps: Deps, tracing: Tracing | undefined): OperationWorker {
  const logger = temporalLog(deps.log)
  const { TEMPORAL_ADDRESS: address, TEMPORAL_TLS: tls, WORKFLOW_BUNDLE_DIR: directory } = deps.config
  const spans = tracing?.exporting
  const stopped = new AbortController()
  let worker: Worker | undefined
  let serving: Promise<void> | undefined

  async function serveOnce(): Promise<void> {
    await ensureNamespace(deps.temporal.connection, operationWorkflow.namespace)
    const workflowBundle = await loadWorkflowBundle({
      ...{ workflowsPath, directory, logger },
      tracing: spans !== undefined,
    })
    const connection = await connectWorkers({ address, tls })
    try {
      if (stopped.signal.aborted) return
      worker = await createWorker(connection, workflowBundle)
      const running = worker.run()
      if (stopped.signal.aborted) worker.shutdown()
      await running
    } finally {
      worker = undefined
      await connection.close()
    }
  }

  const createWorker = (
    connection: NativeConnection,
    workflowBundle: Awaited<ReturnType<typeof loadWorkflowBundle>>,
  ): Promise<Worker> =>
    Worker.create({
      ...{ connection, workflowBundle, ...tuning },
      namespace: operationWorkflow.namespace,
      taskQueue: deps.config.TEMPORAL_TASK_QUEUE,
      activities: createActivities(deps),
      ...(spans === undefined ? {} : workerTracing(spans.spanProcessor, spans.resource)),
    })

  async function serve(): Promise<void> {
    for (let waitMs = tryAgainMs.first; !stopped.signal.aborted; ) {
      try {
        await serveOnce()
        waitMs = tryAgainMs.first
      } catch (error) {
        deps.events.workerFailed(error)
      }
      await delay(waitMs, undefined, { signal: stopped.signal, ref: false }).catch(() => {})
      waitMs = Math.min(waitMs * 2, tryAgainMs.most)
    }
  }

  return {
    start() {
      installRuntime(logger)
      serving ??= serve()
    },
    async stop() {
      stopped.abort()
      if (worker?.getState() === 'RUNNING') worker.shutdown()
      await serving
    },
  }
}
