import { certAgentTopics, trustTopics } from '@opsconductor/contracts'
import { createPool, prismaOptions } from '@opsconductor/database'
import { createCachedLookup, type EventListener, listenForEvents } from '@opsconductor/events'
import { isTrustOf, type Resolve, resolveBySystem, type TrustLookup } from '@opsconductor/reach'
import {
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
import { createAcmeAccountStore } from './acme-accounts/store.ts'
import { createAuditStore } from './audit/store.ts'
import { createCertificateStore } from './certificates/store.ts'
import { createPresentedStore } from './challenges/presented-store.ts'
import { createHttpChallengeStore } from './challenges/store.ts'
import { createClientLimitStore } from './client-limits/store.ts'
import type { AgentConfig } from './config.ts'
import { createDeployingStore } from './deploying/store.ts'
import { createDeploymentStore } from './deployments/store.ts'
import { createDnsAccountStore } from './dns-accounts/store.ts'
import { createEvents } from './events.ts'
import { PrismaClient } from './generated/client.ts'
import { createLeases } from './leases/leases.ts'
import { createTurns } from './leases/turns.ts'
import { createNotificationStore } from './notifications/store.ts'
import { createOperationStore } from './operations/store.ts'
import { createServerStore } from './servers/store.ts'
import { createVhostStore } from './vhosts/store.ts'
import { createCertificateWatchStore } from './watching/certificate-store.ts'
import { createFailureStore } from './watching/failure-store.ts'
import { createVhostWatchStore } from './watching/store.ts'

const trustTtlMs = 10_000
/** Among `watchers`: who is told whenever any operation went on. */
export const anyOperation = 'any'

export interface DepsOptions {
  log?: Logger
  tracing?: Tracing | undefined
  /** How names become addresses. */
  resolve?: Resolve
  now?: () => Date
}

/** What use cases are given. */
export type Deps = ReturnType<typeof createDeps>

/** Makes everything the service holds open; `dispose` ends it. */
export function createDeps(config: AgentConfig, options: DepsOptions = {}) {
  const log = options.log ?? createLog('cert-agent', config.LOG_LEVEL)
  const metrics = createMetrics()
  const events = createEvents(log, metrics)
  const keys = internalKeys(config, 'cert-agent')
  const onError = (error: Error) => log.warn({ err: error }, 'a database connection was lost')
  const pool = createPool({
    connectionString: config.DATABASE_URL,
    applicationName: 'cert-agent',
    onIdleError: onError,
  })
  const prisma = new PrismaClient(prismaOptions(pool, 'cert_agent'))
  const internal = createInternalClient({
    urls: {
      'api-key': config.API_KEY_URL,
      'secrets-broker': config.SECRETS_BROKER_URL,
      executor: config.EXECUTOR_URL,
    },
    key: keys.own,
  })
  let listener: EventListener | undefined
  const listening = { connected: () => listener?.connected() ?? false }
  const auth = createServiceAuth({ internal, listener: () => listening as EventListener, log })
  const trustLookup: TrustLookup = createCachedLookup({
    ttlMs: trustTtlMs,
    entriesMax: 2_000,
    listener: listening,
  })
  const temporal = connectTemporal({
    address: config.TEMPORAL_ADDRESS,
    tls: config.TEMPORAL_TLS,
    tracing: options.tracing?.exporting !== undefined,
  })
  const sshPool = createSshPool()
  /** Who watches an operation is told that it went on. */
  const watchers = new Map<string, Set<() => void>>()
  listener = listenForEvents({
    connectionString: config.DATABASE_URL,
    onEvent(event) {
      auth.onEvent(event)
      if (event.topic === trustTopics.trustChanged) trustLookup.forget((_, key) => isTrustOf(event.key, key))
      if (event.topic === certAgentTopics.operationChanged)
        for (const key of [event.key, anyOperation]) for (const tell of watchers.get(key) ?? []) tell()
    },
    onGap() {
      auth.onGap()
      trustLookup.clear()
      for (const tellers of watchers.values()) for (const tell of tellers) tell()
    },
    onError,
  })
  return {
    config,
    log,
    metrics,
    events,
    keys,
    pool,
    prisma,
    internal,
    auth,
    temporal,
    sshPool,
    trustLookup,
    watchers,
    /** Fires when the service begins to stop. */
    stopping: new AbortController(),
    resolve: options.resolve ?? resolveBySystem,
    now: options.now ?? (() => new Date()),
    audit: createAuditStore(prisma),
    dnsAccounts: createDnsAccountStore(prisma),
    httpChallenges: createHttpChallengeStore(prisma),
    presentedChallenges: createPresentedStore(pool),
    servers: createServerStore(prisma),
    vhosts: createVhostStore(prisma),
    clientLimits: createClientLimitStore(prisma),
    leases: createLeases(pool),
    turns: createTurns(),
    vhostWatch: createVhostWatchStore(pool),
    certificateWatch: createCertificateWatchStore(pool),
    failures: createFailureStore(pool),
    notifications: createNotificationStore(pool),
    operations: createOperationStore(prisma),
    acmeAccounts: createAcmeAccountStore(prisma),
    certificates: createCertificateStore(prisma),
    deployments: createDeploymentStore(prisma),
    deploying: createDeployingStore(prisma),
    async ready() {
      await pool.query('SELECT 1')
      await temporal.ready()
    },
    async dispose() {
      await listener?.stop()
      await auth.stop()
      sshPool.close()
      await Promise.all([temporal.close(), internal.close()])
      await prisma.$disconnect()
      await pool.end()
    },
  }
}
