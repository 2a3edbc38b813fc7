import {
  apiKeyTopics,
  connectorTopics,
  ensureNamespaceEndpoint,
  executorTopics,
  type getTrustEndpoint,
  mibTopics,
  type OutboundPolicy,
  projectConnectorTopics,
  trustTopics,
  useConnectorEndpoint,
  useCredentialEndpoint,
} from '@opsconductor/contracts'
import { createPool, prismaOptions } from '@opsconductor/database'
import { createCachedLookup, type EventListener, listenForEvents } from '@opsconductor/events'
import { createProjectTrust, isTrustOf, type Resolve, resolveBySystem } from '@opsconductor/reach'
import {
  createChores,
  createInternalClient,
  createLog,
  createMetrics,
  createServiceAuth,
  internalKeys,
  type Logger,
  type Tracing,
} from '@opsconductor/service-kit'
import { createSshPool } from '@opsconductor/ssh'
import { connectTemporal } from '@opsconductor/temporal'
import { installRuntime, temporalLog, workerTracing } from '@opsconductor/temporal/worker'
import type { z } from 'zod'
import { createArtefactStore } from './artefacts/store.ts'
import { createBastionStore } from './bastions/store.ts'
import type { ExecutorConfig } from './config.ts'
import { resolveConnector } from './connectors/resolve-connector.ts'
import type { FindConnector, UsableConnector } from './connectors/usable-connector.ts'
import { createEvents } from './events.ts'
import { PrismaClient } from './generated/client.ts'
import { createHttpClients } from './http/http-clients.ts'
import { createJobStore } from './jobs/store.ts'
import type { MibTree } from './mibs/mib-tree.ts'
import { createProjectMibs } from './mibs/project-mibs.ts'
import { createMibStore } from './mibs/store.ts'
import { createOutboundPolicyStore } from './outbound-policy/store.ts'
import { createCallHandler } from './project-calls/call-handler.ts'
import { createProjectCalls } from './project-calls/create-project-calls.ts'
import { createProjectCallStore } from './project-calls/store.ts'
import { sweepCalls } from './project-calls/sweep-calls.ts'
import { createActivities } from './run-job/activities.ts'
import type { RunJobDeps } from './run-job/run-job-deps.ts'
import { createRunJobStore } from './run-job/store.ts'
import { createWriteBehind } from './run-job/write-behind.ts'
import { createRunStore } from './runs/store.ts'
import { createDatabases } from './sql/databases.ts'
import { createWebhookStore } from './webhooks/store.ts'
import { followUse } from './workers/follow-use.ts'
import { lookUpUse } from './workers/look-up-use.ts'
import { createProjectWorkers } from './workers/project-workers.ts'
import { createWorkerFactory } from './workers/worker-factory.ts'

/** An event makes a change known within milliseconds; this bounds the harm should one ever be lost. */
const policyTtlMs = 1_000
const trustTtlMs = 10_000
const connectorTtlMs = 1_000
const mibsTtlMs = 60_000
/** No step writes for longer, so what is older and not whole has lost its writer. */
const artefactHoursMax = 2
const sweepEveryMs = 20_000

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
  const mibs = createMibStore(prisma)
  const mibTrees = createCachedLookup<MibTree>({ ttlMs: mibsTtlMs, entriesMax: 10, listener: listening })
  const mibsOf = createProjectMibs({ store: mibs, lookup: mibTrees })
  const connectors = createCachedLookup<UsableConnector>({
    ttlMs: connectorTtlMs,
    entriesMax: 1_000,
    listener: listening,
  })
  const connectorOf: FindConnector = (projectId, reference) =>
    connectors.get(`${projectId} ${reference}`, () => resolveConnector(internal, projectId, reference))
  const webhooks = createWebhookStore(prisma)
  const bastions = createBastionStore(prisma)
  const runs = createRunStore(prisma)
  const projectCalls = createProjectCalls({
    ...{ internal, listener: listening, jobs, runs, temporal, events },
    store: createProjectCallStore(pool, prisma),
    serve: (projectId) => workers.serve(projectId),
    isStopping: () => drained !== undefined,
  })
  const runJob = createRunJobDeps(base, {
    projectCalls,
    webhooks,
    mibsOf,
    resolve: options.resolve ?? resolveBySystem,
    outboundPolicyOf: (projectId) => policies.get(projectId, () => outboundPolicies.find(projectId)),
    trustOf: (projectId, limitsCaBundles) =>
      createProjectTrust(
        { internal, lookup: trusted, onNotReported: events.hostKeyNotReported },
        projectId,
        limitsCaBundles,
      ),
    bastions,
    connectorOf,
  })
  const workers = createWorkers(base, runJob, options.tracing)
  const projectsInUse = followUse({
    jobs,
    workers,
    events,
    ensureNamespace: base.ensureNamespace,
    useOf: (projectId, recentMs) => lookUpUse(temporal, projectId, recentMs),
    idleMs: config.WORKER_IDLE_SECONDS * 1000,
  })
  listener = listenForEvents({
    connectionString: config.DATABASE_URL,
    onEvent(event) {
      serviceAuth.onEvent(event)
      if (event.topic === executorTopics.projectActive) projectsInUse.serve(event.key)
      if (event.topic === apiKeyTopics.projectDeleted) projectsInUse.forget(event.key)
      if (event.topic === executorTopics.outboundPolicyChanged)
        policies.forget((_, projectId) => projectId === event.key)
      if (event.topic === connectorTopics.connectorChanged) connectors.forget(({ id }) => id === event.key)
      if (event.topic === projectConnectorTopics.projectConnectorChanged)
        projectCalls.admitted.forget((target) => target.connector_id === event.key)
      if (event.topic === mibTopics.mibsChanged) mibTrees.forget((_, projectId) => projectId === event.key)
      if (event.topic === trustTopics.trustChanged) trusted.forget((_, key) => isTrustOf(event.key, key))
    },
    onGap() {
      serviceAuth.onGap()
      policies.clear()
      trusted.clear()
      connectors.clear()
      projectCalls.admitted.clear()
      mibTrees.clear()
      runJob.artefacts.store.removeAbandoned(artefactHoursMax).catch((error) => {
        log.warn({ err: error }, 'abandoned artefacts could not be removed')
      })
      projectsInUse.lookAtAll()
    },
    onError: (error) => log.warn({ err: error }, 'the event connection broke'),
  })
  const chores = createChores(
    [{ name: 'calls under way', everyMs: sweepEveryMs, run: () => sweepCalls(projectCalls) }],
    events.choreFailed,
  )
  let drained: Promise<void> | undefined
  /** Ends the workers. Until then a step of theirs may borrow, which makes the broker ask us about its run. */
  const drain = () => {
    projectsInUse.stop()
    drained ??= workers.stop().finally(runJob.writeBehind.end)
    return drained
  }
  return {
    ...base,
    serviceAuth,
    jobs,
    runs,
    projectCalls,
    outboundPolicies,
    mibs,
    mibsOf,
    webhooks,
    bastions,
    connectorOf,
    workers,
    checks: runJob,
    artefacts: runJob.artefacts.store,
    async ready() {
      await pool.query('SELECT 1')
      await temporal.ready()
    },
    chores,
    drain,
    async dispose() {
      await chores.stop()
      await drain()
      await listener?.stop()
      await serviceAuth.stop()
      runJob.sshPool.close()
      await Promise.all([runJob.httpClients.close(), runJob.databases.close(), temporal.close()])
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
  const internal = createInternalClient({
    urls: {
      'api-key': config.API_KEY_URL,
      'interface-registry': config.INTERFACE_REGISTRY_URL,
      'secrets-broker': config.SECRETS_BROKER_URL,
    },
    key: keys.own,
  })
  return {
    config,
    log,
    metrics,
    keys,
    pool,
    internal,
    events: createEvents(log, metrics),
    prisma: new PrismaClient(prismaOptions(pool, 'executor')),
    ensureNamespace: (projectId: string) =>
      internal.call(ensureNamespaceEndpoint, {}, { params: { id: projectId } }),
    temporal: connectTemporal({
      address: config.TEMPORAL_ADDRESS,
      tls: config.TEMPORAL_TLS,
      tracing: options.tracing?.exporting !== undefined,
    }),
  }
}

function createRunJobDeps(
  { config, pool, internal, events }: Base,
  project: Pick<
    RunJobDeps,
    | 'resolve'
    | 'outboundPolicyOf'
    | 'trustOf'
    | 'mibsOf'
    | 'webhooks'
    | 'bastions'
    | 'connectorOf'
    | 'projectCalls'
  >,
): RunJobDeps {
  const store = createRunJobStore(pool)
  return {
    ...project,
    store,
    writeBehind: createWriteBehind({ write: store.recordSteps, onNotWritten: events.stepNotRecorded }),
    artefacts: {
      store: createArtefactStore(pool),
      limits: {
        artefactBytesMax: config.ARTEFACT_BYTES_MAX,
        runBytesMax: config.RUN_ARTEFACT_BYTES_MAX,
      },
    },
    httpClients: createHttpClients(),
    sshPool: createSshPool(),
    databases: createDatabases({ sqliteDirectory: config.SQLITE_DIRECTORY }),
    lendCredential: (reference, use, signal) =>
      internal.call(useCredentialEndpoint, use, { params: { reference }, signal }),
    lendConnector: (id, use, signal) => internal.call(useConnectorEndpoint, use, { params: { id }, signal }),
    events,
  }
}

function createWorkers(
  { config, log, ensureNamespace, events }: Base,
  runJob: RunJobDeps,
  tracing?: Tracing,
) {
  const logger = temporalLog(log)
  installRuntime(logger)
  const factory = createWorkerFactory({
    temporal: { address: config.TEMPORAL_ADDRESS, tls: config.TEMPORAL_TLS },
    bundleDirectory: config.WORKFLOW_BUNDLE_DIR,
    logger,
    tracing: tracing?.exporting && workerTracing(tracing.exporting.spanProcessor, tracing.exporting.resource),
    ensureNamespace,
    activitiesOf: (projectId) => createActivities(runJob, projectId),
    nexusServicesOf: (projectId) => [createCallHandler(runJob.projectCalls, projectId)],
  })
  return createProjectWorkers({ factory, events })
}
