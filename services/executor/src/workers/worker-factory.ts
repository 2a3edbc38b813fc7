import { fileURLToPath } from 'node:url'
import { namespaceOf, runJobWorkflow } from '@opsconductor/contracts'
import { connectWorkers, loadWorkflowBundle, type WorkerTracing } from '@opsconductor/temporal/worker'
import { type Logger, type NativeConnection, Worker, type WorkflowBundle } from '@temporalio/worker'
import type { ServiceHandler } from 'nexus-rpc'
import type { RunJobActivities } from '../run-job/activity-contract.ts'

export interface WorkerFactoryOptions {
  temporal: { address: string; tls: boolean }
  bundleDirectory: string | undefined
  logger: Logger
  tracing: WorkerTracing | undefined
  ensureNamespace(projectId: string): Promise<unknown>
  activitiesOf(projectId: string): RunJobActivities
  /** What other projects may call. */
  nexusServicesOf(projectId: string): ServiceHandler[]
}

const workflowsPath = fileURLToPath(new URL('../run-job/workflow/run-job.ts', import.meta.url))

/** For short answers on two cores: few pollers, tasks handed over eagerly, cancellations heard at once. */
const tuning = {
  maxConcurrentWorkflowTaskPolls: 4,
  maxConcurrentActivityTaskPolls: 2,
  maxConcurrentWorkflowTaskExecutions: 40,
  maxConcurrentActivityTaskExecutions: 100,
  maxConcurrentNexusTaskPolls: 2,
  maxConcurrentLocalActivityExecutions: 100,
  maxEagerActivityReservationsPerWorkflowTask: 3,
  maxCachedWorkflows: 200,
  // After a worker's death its runs wait this long before another takes them over.
  stickyQueueScheduleToStartTimeout: 3_000,
  maxHeartbeatThrottleInterval: 500,
  defaultHeartbeatThrottleInterval: 500,
  // Steps under way get this long to end by themselves, then they are cancelled; the next worker tries them again.
  shutdownGraceTime: 3_000,
  shutdownForceTime: 6_000,
  // Our own patch of the SDK: none (infra/decisions/0017).
  isolateExecutionTimeout: 0,
} as const

/** Makes workers over one connection and one bundle. */
export function createWorkerFactory(options: WorkerFactoryOptions) {
  const connection = sharedUntilItFails<NativeConnection>(() => connectWorkers(options.temporal))
  const bundle = sharedUntilItFails<WorkflowBundle>(() =>
    loadWorkflowBundle({
      workflowsPath,
      directory: options.bundleDirectory,
      tracing: options.tracing !== undefined,
      logger: options.logger,
    }),
  )
  return {
    async create(projectId: string): Promise<Worker> {
      const [native, workflowBundle] = await Promise.all([
        connection.get(),
        bundle.get(),
        options.ensureNamespace(projectId),
      ])
      return Worker.create({
        connection: native,
        namespace: namespaceOf(projectId),
        taskQueue: runJobWorkflow.taskQueue,
        workflowBundle,
        activities: options.activitiesOf(projectId),
        nexusServices: options.nexusServicesOf(projectId),
        ...(options.tracing ?? {}),
        ...tuning,
      })
    },
    /** Once no worker uses it any more. */
    async close(): Promise<void> {
      await (await connection.made()?.catch(() => undefined))?.close()
    },
  }
}

function sharedUntilItFails<T>(make: () => Promise<T>) {
  let made: Promise<T> | undefined
  return {
    get(): Promise<T> {
      made ??= make().catch((error) => {
        made = undefined
        throw error
      })
      return made
    },
    made: () => made,
  }
}
