import {
  ensureNamespaceEndpoint,
  executorTopics,
  type OutboundPolicy,
  useCredentialEndpoint,
} from '@opsconductor/contracts'
import { createPool, prismaAdapter } from '@opsconductor/database'
import { createCachedLookup, type EventListener, listenForEvents } from '@opsconductor/events'
import {
  createInternalClient,
  createLog,
  createMetrics,
  createServiceAuth,
  internalKeys,
  type Logger,
  type Tracing,
} from '@opsconductor/service-kit'
import { connectTemporal } from '@opsconductor/temporal'
import { workerTracing } from '@opsconductor/temporal/worker'
import type { ExecutorConfig } from './config.ts'
import { createEvents } from './events.ts'
import { PrismaClient } from './generated/client.ts'
import { createHttpClients } from './http/http-clients.ts'
import { createJobStore } from './jobs/store.ts'
import { type Resolve, resolveBySystem } from './outbound-policy/resolve-target.ts'
import { createOutboundPolicyStore } from './outbound-policy/store.ts'
import { createActivities } from './run-job/activities.ts'
import type { RunJobDeps } from './run-job/run-job-deps.ts'
import { createRunJobStore } from './run-job/store.ts'
import { createRunStore } from './runs/store.ts'
import { createDatabasePools } from './sql/database-pools.ts'
import { createProjectWorkers } from './workers/project-workers.ts'
import { serveActiveProjects } from './workers/serve-active-projects.ts'
import { installRuntime, temporalLog } from './workers/temporal-log.ts'

/** An event makes a change known within milliseconds; this bounds the harm should one ever be lost. */
const policyTtlMs = 1_000

export interface DepsOptions {
  log?: Logger
  tracing?: Tracing
  /** How names become addresses. */
  resolve?: Resolve
}

export type ExecutorDeps = ReturnType<typeof createDeps>

/** Makes everything the service holds open; `dispose` ends it in the order of use. */
export function createDeps(config: ExecutorConfig, options: DepsOptions = {}) {
  const log = options.log ?? createLog('executor', config.LOG_LEVEL)
  const resolve = options.resolve ?? resolveBySystem
  const metrics = createMetrics()
  const events = createEvents(log, metrics)
  const keys = internalKeys(config, 'executor')
  const pool = createPool({
    connectionString: config.DATABASE_URL,
    applicationName: 'executor',
    onIdleError: (error) => log.warn({ err: error }, 'an idle database connection broke'),
  })
  const prisma = new PrismaClient({ adapter: prismaAdapter(pool, 'executor') })
  const internal = createInternalClient({
    urls: {
      'api-key': config.API_KEY_URL,
      'interface-registry': config.INTERFACE_REGISTRY_URL,
      'secrets-broker': config.SECRETS_BROKER_URL,
    },
    key: keys.own,
  })
  const exporting = options.tracing?.exporting
  const temporalAddress = { address: config.TEMPORAL_ADDRESS, tls: config.TEMPORAL_TLS }
  const temporal = connectTemporal({ ...temporalAddress, tracing: exporting !== undefined })
  const jobs = createJobStore(prisma)
  const outboundPolicies = createOutboundPolicyStore(prisma)
  let listener: EventListener | undefined
  const connected = () => listener?.connected() ?? false
  const policyCache = createCachedLookup<OutboundPolicy>({
    ttlMs: policyTtlMs,
    entriesMax: 1_000,
    listener: { connected },
  })
  const serviceAuth = createServiceAuth({ internal, listener: () => ({ connected }) as EventListener, log })
  const runJob: RunJobDeps = {
    store: createRunJobStore(pool),
    httpClients: createHttpClients(resolve),
    databasePools: createDatabasePools(resolve),
    outboundPolicyOf: (projectId) => policyCache.get(projectId, () => outboundPolicies.find(projectId)),
    lendCredential: (reference, projectId, { runId, stepId }, signal) =>
      internal.call(
        useCredentialEndpoint,
        { project_id: projectId, run_id: runId, step_id: stepId },
        { params: { reference }, signal },
      ),
    events,
  }
  const sdkLog = temporalLog(log)
  installRuntime(sdkLog)
  const workers = createProjectWorkers({
    temporal: temporalAddress,
    bundleDirectory: config.WORKFLOW_BUNDLE_DIR,
    logger: sdkLog,
    tracing: exporting && workerTracing(exporting.spanProcessor, exporting.resource),
    ensureNamespace: (projectId) => internal.call(ensureNamespaceEndpoint, {}, { params: { id: projectId } }),
    activitiesOf: (projectId) => createActivities(runJob, projectId),
    events,
  })
  const activeProjects = serveActiveProjects({ jobs, workers, events })
  listener = listenForEvents({
    connectionString: config.DATABASE_URL,
    onEvent(event) {
      serviceAuth.onEvent(event)
      if (event.topic === executorTopics.projectActive) activeProjects.serve(event.key)
      if (event.topic === executorTopics.outboundPolicyChanged)
        policyCache.forget((_, projectId) => projectId === event.key)
    },
    onGap() {
      serviceAuth.onGap()
      policyCache.clear()
      activeProjects.serveAll()
    },
    onError: (error) => log.warn({ err: error }, 'the event connection broke'),
  })
  return {
    config,
    log,
    metrics,
    events,
    keys,
    internal,
    temporal,
    serviceAuth,
    jobs,
    runs: createRunStore(prisma),
    outboundPolicies,
    workers,
    async ready() {
      await pool.query('SELECT 1')
      await temporal.ready()
    },
    async dispose() {
      activeProjects.stop()
      await listener?.stop()
      await workers.stop()
      await serviceAuth.stop()
      await Promise.all([runJob.httpClients.close(), runJob.databasePools.close(), temporal.close()])
      await internal.close()
      await prisma.$disconnect()
      await pool.end()
    },
  }
}
