import { randomBytes } from 'node:crypto'
import {
  apiKeyTopics,
  connectorTopics,
  credentialTopics,
  projectConnectorTopics,
  registryTopics,
} from '@opsconductor/contracts'
import { createPool, prismaOptions } from '@opsconductor/database'
import { listenForEvents } from '@opsconductor/events'
import { createKongAdminClient } from '@opsconductor/kong-admin-client'
import {
  createInternalClient,
  createLog,
  createMetrics,
  createServiceAuth,
  internalKeys,
} from '@opsconductor/service-kit'
import { connectTemporal } from '@opsconductor/temporal'
import { createCallTargets } from './calls/call-targets.ts'
import type { RegistryConfig } from './config.ts'
import { createTestLimits } from './connectors/test-limits.ts'
import { createEvents } from './events.ts'
import { PrismaClient } from './generated/client.ts'
import { createCallPaths } from './grants/call-paths.ts'
import { createGrantSigner } from './grants/grant-signer.ts'
import { createLeadership } from './leadership/leadership.ts'
import { createMonitor } from './monitoring/monitor.ts'
import { createEndpointKeeper } from './nexus-endpoints/endpoint-keeper.ts'
import { createUseAnnouncer } from './projects/announce-use.ts'
import { createPublisher } from './publishing/publisher.ts'

/** 128 random bits: nobody finds an interface by trying. */
const randomHash = () => randomBytes(16).toString('hex')

/** Everything the service works with; what the leader does begins with `leadership.start()`. */
export function createDeps(
  config: RegistryConfig,
  { newHash = randomHash, log = createLog('interface-registry', config.LOG_LEVEL) } = {},
) {
  const metrics = createMetrics()
  const events = createEvents(log, metrics)
  const keys = internalKeys(config, 'interface-registry')
  const onError = (error: Error) => log.warn({ err: error }, 'a database connection was lost')
  const pool = createPool({
    connectionString: config.DATABASE_URL,
    applicationName: 'interface-registry',
    onIdleError: onError,
  })
  const prisma = new PrismaClient(prismaOptions(pool, 'interface_registry'))
  const internal = createInternalClient({
    urls: {
      'api-key': config.API_KEY_URL,
      executor: config.EXECUTOR_URL,
      'secrets-broker': config.SECRETS_BROKER_URL,
    },
    key: keys.own,
  })
  const auth = createServiceAuth({ internal, listener: () => listener, log })
  const targets = createCallTargets(pool, () => listener)
  const temporal = connectTemporal({
    address: config.TEMPORAL_ADDRESS,
    tracing: config.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined,
  })
  const kong = createKongAdminClient({
    adminUrl: config.KONG_ADMIN_URL,
    timeoutMs: 5_000,
    ...(config.KONG_ADMIN_TOKEN === undefined ? {} : { token: config.KONG_ADMIN_TOKEN }),
  })
  const leadership = createLeadership({
    connectionString: config.DATABASE_URL,
    onChange: events.leading,
    onError,
  })
  const publisher = createPublisher({ config, pool, kong, events, leadership })
  const endpoints = createEndpointKeeper({ config, pool, temporal, events, leadership })
  const callPaths = createCallPaths({ pool, internal, listener: () => listener })
  const grants = createGrantSigner({
    key: config.GRANT_SIGNING_KEY,
    previousKey: config.GRANT_SIGNING_KEY_PREVIOUS,
  })
  const monitor = createMonitor({ pool, internal, events, leadership })
  const listener = listenForEvents({
    connectionString: config.DATABASE_URL,
    onEvent(event) {
      auth.onEvent(event)
      if (event.topic === registryTopics.interfaceChanged) {
        targets.forget(event.key)
        publisher.changed(event.key)
      }
      if (event.topic === connectorTopics.connectorChanged) monitor.look()
      if (event.topic === credentialTopics.credentialChanged) monitor.credentialChanged(event.key)
      if (event.topic === projectConnectorTopics.projectConnectorChanged) {
        callPaths.forget(event.key)
        endpoints.changed(event.key)
      }
      if (event.topic === apiKeyTopics.memberChanged) callPaths.forgetMembers()
      if (event.topic === apiKeyTopics.projectDeleted) {
        callPaths.clear()
        endpoints.soon()
      }
    },
    onGap() {
      auth.onGap()
      targets.clear()
      publisher.reconcileSoon()
      callPaths.clear()
      endpoints.soon()
      monitor.look()
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
    targets,
    announceUse: createUseAnnouncer({ pool, onError }),
    temporal,
    leadership,
    publisher,
    endpoints,
    callPaths,
    grants,
    monitor,
    testLimits: createTestLimits(),
    newHash,
    async ready() {
      await pool.query('SELECT 1')
    },
    async dispose() {
      await Promise.all([publisher.stop(), endpoints.stop(), monitor.stop()])
      await leadership.stop()
      await listener.stop()
      await auth.stop()
      await Promise.all([internal.close(), kong.close(), temporal.close()])
      await prisma.$disconnect()
      await pool.end()
    },
  }
}

export type Deps = ReturnType<typeof createDeps>
