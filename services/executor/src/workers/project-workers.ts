import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { namespaceOf, runJobWorkflow } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { connectWorkers, loadWorkflowBundle, type WorkerTracing } from '@opsconductor/temporal/worker'
import { type Logger, type NativeConnection, Worker, type WorkflowBundle } from '@temporalio/worker'
import type { ExecutorEvents } from '../events.ts'
import type { RunJobActivities } from '../run-job/activity-contract.ts'

export interface ProjectWorkersOptions {
  temporal: { address: string; tls: boolean }
  bundleDirectory: string | undefined
  logger: Logger
  tracing: WorkerTracing | undefined
  ensureNamespace(projectId: string): Promise<unknown>
  activitiesOf(projectId: string): RunJobActivities
  events: Pick<ExecutorEvents, 'workerStarted' | 'workerLost'>
}

export interface ProjectWorkers {
  /** Keeps a worker running for the project; resolves when it polls, rejects where that took too long. */
  serve(projectId: string): Promise<void>
  serves(projectId: string): boolean
  stop(): Promise<void>
}

const retryMs = { first: 200, most: 5_000 }
const serveMsMax = 15_000
/** Steps under way get this long to end by themselves, then they are cancelled; the next worker tries them again. */
const shutdownGraceMs = 3_000
const shutdownForceMs = 6_000

const workflowsPath = fileURLToPath(new URL('../run-job/workflow/run-job.ts', import.meta.url))

interface Served {
  worker: Worker | undefined
  started: PromiseWithResolvers<void>
  loop: Promise<void>
}

/** One worker per project namespace, over one connection and one bundle. A worker that dies is started again. */
export function createProjectWorkers(options: ProjectWorkersOptions): ProjectWorkers {
  const projects = new Map<string, Served>()
  const stopping = new AbortController()
  let connection: Promise<NativeConnection> | undefined
  let bundle: Promise<WorkflowBundle> | undefined
  const serving = () => [...projects.values()].filter(({ worker }) => worker !== undefined).length

  /** A failed attempt is not remembered. */
  function connect(): Promise<NativeConnection> {
    connection ??= connectWorkers(options.temporal).catch((error) => {
      connection = undefined
      throw error
    })
    return connection
  }

  function workflowBundle(): Promise<WorkflowBundle> {
    bundle ??= loadWorkflowBundle({
      workflowsPath,
      directory: options.bundleDirectory,
      tracing: options.tracing !== undefined,
      logger: options.logger,
    }).catch((error) => {
      bundle = undefined
      throw error
    })
    return bundle
  }

  async function createWorker(projectId: string): Promise<Worker> {
    const [native, workflowBundleOfAll] = await Promise.all([
      connect(),
      workflowBundle(),
      options.ensureNamespace(projectId),
    ])
    return Worker.create({
      connection: native,
      namespace: namespaceOf(projectId),
      taskQueue: runJobWorkflow.taskQueue,
      workflowBundle: workflowBundleOfAll,
      activities: options.activitiesOf(projectId),
      ...(options.tracing ?? {}),
      ...tuning,
      shutdownGraceTime: shutdownGraceMs,
      shutdownForceTime: shutdownForceMs,
    })
  }

  async function keepRunning(projectId: string, served: Served): Promise<void> {
    for (let wait = retryMs.first; !stopping.signal.aborted; wait = Math.min(wait * 2, retryMs.most)) {
      try {
        const worker = await createWorker(projectId)
        if (stopping.signal.aborted) return
        served.worker = worker
        const running = worker.run()
        served.started.resolve()
        options.events.workerStarted(projectId, serving())
        wait = retryMs.first
        await running
      } catch (error) {
        served.worker = undefined
        options.events.workerLost(projectId, serving(), error)
      }
      served.worker = undefined
      await delay(wait, undefined, { signal: stopping.signal }).catch(() => {})
    }
  }

  return {
    async serve(projectId) {
      if (stopping.signal.aborted) throw unserved()
      let served = projects.get(projectId)
      if (served === undefined) {
        served = { worker: undefined, started: Promise.withResolvers(), loop: Promise.resolve() }
        projects.set(projectId, served)
        served.loop = keepRunning(projectId, served)
      }
      const late = new AbortController()
      await Promise.race([
        served.started.promise,
        delay(serveMsMax, undefined, { signal: late.signal }).then(() => Promise.reject(unserved())),
      ]).finally(() => late.abort())
    },
    serves: (projectId) => projects.get(projectId)?.worker !== undefined,
    async stop() {
      stopping.abort()
      for (const { worker } of projects.values()) if (worker?.getState() === 'RUNNING') worker.shutdown()
      await Promise.all([...projects.values()].map(({ loop }) => loop))
      await (await connection?.catch(() => undefined))?.close()
    },
  }
}

/** For short answers on two cores: few pollers, tasks handed over eagerly, cancellations heard at once. */
const tuning = {
  maxConcurrentWorkflowTaskPolls: 4,
  maxConcurrentActivityTaskPolls: 2,
  maxConcurrentWorkflowTaskExecutions: 40,
  maxConcurrentActivityTaskExecutions: 100,
  maxConcurrentLocalActivityExecutions: 100,
  maxEagerActivityReservationsPerWorkflowTask: 3,
  maxCachedWorkflows: 200,
  maxHeartbeatThrottleInterval: 500,
  defaultHeartbeatThrottleInterval: 500,
} as const

const unserved = () =>
  new AppError('service_unavailable', 'No worker serves the project yet.', { retryAfterSeconds: 2 })
