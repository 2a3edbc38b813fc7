import {
  ensureNamespaceEndpoint,
  executorTopics,
  type getTrustEndpoint,
  type OutboundPolicy,
  trustTopics,
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
import type { z } from 'zod'
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
import { createProjectTrust, isTrustOf } from './trust/project-trust.ts'
import { createProjectWorkers } from './workers/project-workers.ts'
import { serveActiveProjects } from './workers/serve-active-projects.ts'
import { installRuntime, temporalLog } from './workers/temporal-log.ts'

/** An event makes a change known within milliseconds; this bounds the harm should one ever be lost. */
const policyTtlMs = 1_000
const trustTtlMs = 10_000

export interface DepsOptions {
  log?: Logger
  tracing?: Tracing
  /** How names become addresses. */
  resolve?: Resolve
}

export type ExecutorDeps = ReturnType<typeof createDeps>

/** Makes everything the service holds open; `dispose` ends it in the order of use. */
export function createDeps(config: ExecutorConfig, options: DepsOptions = {}) {
  const base = createBase(config, options)
  const { log, events, internal, pool, prisma, temporal } = base
  const jobs = createJobStore(prisma)
  const outboundPolicies = createOutboundPolicyStore(prisma)
  let listener: EventListener | undefined
  const listening = { connected: () => listener?.connected() ?? false }
  const policies = createCachedLookup<OutboundPolicy>({
    ttlMs: policyTtlMs,
    entriesMax: 1_000,
    listener: listening,
  })
  const serviceAuth = createServiceAuth({ internal, listener: () => listening as EventListener, log })
  const trusted = createCachedLookup<z.infer<typeof getTrustEndpoint.answer>>({
    ttlMs: trustTtlMs,
    entriesMax: 5_000,
    listener: listening,
  })
  const runJob = createRunJobDeps(base, {
    resolve: options.resolve ?? resolveBySystem,
    outboundPolicyOf: (projectId) => policies.get(projectId, () => outboundPolicies.find(projectId)),
    trustOf: (projectId) => createProjectTrust({ internal, lookup: trusted }, projectId),
  })
  const workers = createWorkers(base, runJob, options.tracing)
  const activeProjects = serveActiveProjects({ jobs, workers, events })
  listener = listenForEvents({
    connectionString: config.DATABASE_URL,
    onEvent(event) {
      serviceAuth.onEvent(event)
      if (event.topic === executorTopics.projectActive) activeProjects.serve(event.key)
      if (event.topic === executorTopics.outboundPolicyChanged)
        policies.forget((_, projectId) => projectId === event.key)
      if (event.topic === trustTopics.trustChanged) trusted.forget((_, key) => isTrustOf(event.key, key))
    },
    onGap() {
      serviceAuth.onGap()
      policies.clear()
      trusted.clear()
      activeProjects.serveAll()
    },
    onError: (error) => log.warn({ err: error }, 'the event connection broke'),
  })
  let drained: Promise<void> | undefined
  /** Ends the workers. Until then a step of theirs may borrow, which makes the broker ask us about its run. */
  const drain = () => {
    activeProjects.stop()
    drained ??= workers.stop()
    return drained
  }
  return {
    ...base,
    serviceAuth,
    jobs,
    runs: createRunStore(prisma),
    outboundPolicies,
    workers,
    checks: runJob,
    async ready() {
      await pool.query('SELECT 1')
      await temporal.ready()
    },
    drain,
    async dispose() {
      await drain()
      await listener?.stop()
      await serviceAuth.stop()
      await Promise.all([runJob.httpClients.close(), runJob.databasePools.close(), temporal.close()])
      await internal.close()
      await prisma.$disconnect()
      await pool.end()
    },
  }
}

type Base = ReturnType<typeof createBase>

function createBase(config: ExecutorConfig, options: DepsOptions) {
  const log = options.log ?? createLog('executor', config.LOG_LEVEL)
  const metrics = createMetrics()
  const keys = internalKeys(config, 'executor')
  const pool = createPool({
    connectionString: config.DATABASE_URL,
    applicationName: 'executor',
    onIdleError: (error) => log.warn({ err: error }, 'an idle database connection broke'),
  })
  return {
    config,
    log,
    metrics,
    keys,
    pool,
    events: createEvents(log, metrics),
    prisma: new PrismaClient({ adapter: prismaAdapter(pool, 'executor') }),
    internal: createInternalClient({
      urls: {
        'api-key': config.API_KEY_URL,
        'interface-registry': config.INTERFACE_REGISTRY_URL,
        'secrets-broker': config.SECRETS_BROKER_URL,
      },
      key: keys.own,
    }),
    temporal: connectTemporal({
      address: config.TEMPORAL_ADDRESS,
      tls: config.TEMPORAL_TLS,
      tracing: options.tracing?.exporting !== undefined,
    }),
  }
}

function createRunJobDeps(
  { pool, internal, events }: Base,
  project: Pick<RunJobDeps, 'resolve' | 'outboundPolicyOf' | 'trustOf'>,
): RunJobDeps {
  return {
    ...project,
    store: createRunJobStore(pool),
    httpClients: createHttpClients(),
    databasePools: createDatabasePools(),
    lendCredential: (reference, use, signal) =>
      internal.call(useCredentialEndpoint, use, { params: { reference }, signal }),
    events,
  }
}

function createWorkers({ config, log, internal, events }: Base, runJob: RunJobDeps, tracing?: Tracing) {
  const logger = temporalLog(log)
  installRuntime(logger)
  return createProjectWorkers({
    temporal: { address: config.TEMPORAL_ADDRESS, tls: config.TEMPORAL_TLS },
    bundleDirectory: config.WORKFLOW_BUNDLE_DIR,
    logger,
    tracing: tracing?.exporting && workerTracing(tracing.exporting.spanProcessor, tracing.exporting.resource),
    ensureNamespace: (projectId) => internal.call(ensureNamespaceEndpoint, {}, { params: { id: projectId } }),
    activitiesOf: (projectId) => createActivities(runJob, projectId),
    events,
  })
}
