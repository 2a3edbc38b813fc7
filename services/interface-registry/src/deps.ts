import { randomBytes } from 'node:crypto'
import { registryTopics } from '@opsconductor/contracts'
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
import { createEvents } from './events.ts'
import { PrismaClient } from './generated/client.ts'
import { createPublisher } from './publishing/publisher.ts'

/** 128 random bits: nobody finds an interface by trying. */
const randomHash = () => randomBytes(16).toString('hex')

/** Everything the service works with; `publisher` starts with `start()`. */
export function createDeps(config: RegistryConfig, { newHash = randomHash } = {}) {
  const log = createLog('interface-registry', config.LOG_LEVEL)
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
    urls: { 'api-key': config.API_KEY_URL, executor: config.EXECUTOR_URL },
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
  const publisher = createPublisher({ config, pool, kong, events, onError })
  const listener = listenForEvents({
    connectionString: config.DATABASE_URL,
    onEvent(event) {
      auth.onEvent(event)
      if (event.topic !== registryTopics.interfaceChanged) return
      targets.forget(event.key)
      publisher.changed(event.key)
    },
    onGap() {
      auth.onGap()
      targets.clear()
      publisher.reconcileSoon()
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
    temporal,
    publisher,
    newHash,
    async ready() {
      await pool.query('SELECT 1')
    },
    async dispose() {
      await publisher.stop()
      await listener.stop()
      await auth.stop()
      await Promise.all([internal.close(), kong.close(), temporal.close()])
      await prisma.$disconnect()
      await pool.end()
    },
  }
}

export type Deps = ReturnType<typeof createDeps>
