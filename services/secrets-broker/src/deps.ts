import { createPool, prismaAdapter } from '@opsconductor/database'
import { listenForEvents } from '@opsconductor/events'
import {
  createInternalClient,
  createLog,
  createMetrics,
  createServiceAuth,
  internalKeys,
} from '@opsconductor/service-kit'
import type { BrokerConfig } from './config.ts'
import { createEvents } from './events.ts'
import { PrismaClient } from './generated/client.ts'
import { checkKeys, checkKeysAtStart } from './keyring/check-keys.ts'
import { createCipher, openKeyrings } from './keyring/ciphers.ts'

const service = 'secrets-broker'

/** Everything the service works with. */
export async function createDeps(
  config: BrokerConfig,
  { log = createLog(service, config.LOG_LEVEL) }: { log?: ReturnType<typeof createLog> } = {},
) {
  const metrics = createMetrics()
  const events = createEvents(log, metrics)
  const keyrings = await openKeyrings(config)
  const keys = internalKeys(config, service)
  const onError = (error: Error) => log.warn({ err: error }, 'a database connection was lost')
  const pool = createPool({
    connectionString: config.DATABASE_URL,
    applicationName: service,
    onIdleError: onError,
  })
  // The default format quotes the arguments of a call that fails.
  const prisma = new PrismaClient({ adapter: prismaAdapter(pool, 'secrets'), errorFormat: 'minimal' })
  const internal = createInternalClient({ urls: { 'api-key': config.API_KEY_URL }, key: keys.own })
  const auth = createServiceAuth({ internal, listener: () => listener, log })
  const listener = listenForEvents({
    connectionString: config.DATABASE_URL,
    onEvent: auth.onEvent,
    onGap: auth.onGap,
    onError,
  })
  return {
    log,
    metrics,
    events,
    keys,
    keyrings,
    ciphers: {
      host_credentials: createCipher('host_credentials', keyrings.host_credentials, events),
      credentials: createCipher('credentials', keyrings.credentials, events),
    },
    pool,
    prisma,
    auth,
    /** To be called before anything is written. */
    checkKeysAtStart: () => checkKeysAtStart({ pool, keyrings }),
    ready: () => checkKeys({ pool, keyrings }),
    async dispose() {
      await listener.stop()
      await auth.stop()
      await internal.close()
      await prisma.$disconnect()
      await pool.end()
    },
  }
}

export type Deps = Awaited<ReturnType<typeof createDeps>>
