import { keyringTopics } from '@opsconductor/contracts'
import { createPool, prismaOptions } from '@opsconductor/database'
import { listenForEvents } from '@opsconductor/events'
import { createNotifier } from '@opsconductor/notify'
import {
  createChores,
  createInternalClient,
  createLog,
  createMetrics,
  createServiceAuth,
  internalKeys,
} from '@opsconductor/service-kit'
import { createAccessLog } from './access-log/access-log.ts'
import { reportHead } from './access-log/report-head.ts'
import { createCheckGrants } from './checks/check-grants.ts'
import { createCheckLimits } from './checks/check-limits.ts'
import type { BrokerConfig } from './config.ts'
import { purgeCredentials } from './credentials/purge-credentials.ts'
import { createEvents } from './events.ts'
import { checkExpiry } from './expiry/check-expiry.ts'
import { createExpiryGauges } from './expiry/expiry-gauges.ts'
import { sendNotices } from './expiry/send-notices.ts'
import { PrismaClient } from './generated/client.ts'
import { findTogether } from './host-credentials/find-together.ts'
import { createCipher, createHostCipher } from './keyring/cipher.ts'
import { createKeyring } from './keyring/keyring.ts'
import { keySource, openMasterKeys } from './keyring/master-keys.ts'
import { createRotations } from './keyring/run-rotations.ts'
import { createPinnedRuns } from './runs/pinned-runs.ts'
import { createVaults } from './vaults/create-vaults.ts'
import { syncDueCredentials } from './vaults/sync-due-credentials.ts'

const service = 'secrets-broker'
const hourMs = 3_600_000
const vaultSyncMs = 10_000

/** Everything the service works with. */
export async function createDeps(
  config: BrokerConfig,
  {
    log = createLog(service, config.LOG_LEVEL),
    now = () => new Date(),
  }: { log?: ReturnType<typeof createLog>; now?: () => Date } = {},
) {
  const metrics = createMetrics()
  const events = createEvents(log, metrics)
  const keys = internalKeys(config, service)
  const onError = (error: Error) => log.warn({ err: error }, 'a database connection was lost')
  const pool = createPool({
    connectionString: config.DATABASE_URL,
    applicationName: service,
    onIdleError: onError,
  })
  const configuredKeys = await openMasterKeys(config)
  const keyring = createKeyring(pool, configuredKeys, (keyUse) => keySource(config, keyUse))
  const hostCipher = createHostCipher(keyring, events)
  const cipher = createCipher(keyring, events)
  const accessLog = createAccessLog(pool, now)
  const rotations = createRotations({ pool, keyring, hostCipher, accessLog, events })
  const followKeys = () =>
    void keyring
      .reload()
      .then((isLoaded) => (isLoaded ? rotations.resume() : undefined))
      .catch(events.keysNotLoaded)
  const credentialPurgeDays = config.CREDENTIAL_PURGE_DAYS
  const expiryGauges = createExpiryGauges(metrics)
  const notifier = createConfiguredNotifier(config, now)
  const vaults = createVaults({
    cipher,
    metrics,
    outbound: { allowLoopback: config.VAULTS_ALLOW_LOOPBACK },
    now,
  })
  const chores = createChores(
    [
      {
        name: 'synchronisation with vaults',
        everyMs: vaultSyncMs,
        run: () => syncDueCredentials({ pool, cipher, accessLog, events, vaults, now }, log),
      },
      {
        name: 'purge of deleted credentials',
        everyMs: hourMs,
        run: () => purgeCredentials({ pool, accessLog, events, now, credentialPurgeDays }),
      },
      {
        name: 'check of what expires',
        everyMs: hourMs,
        run: async () => {
          await checkExpiry({ pool, events, expiryGauges, now })
          await sendNotices({ pool, events, notifier, now })
        },
      },
      { name: 'head of the access log', everyMs: hourMs, run: () => reportHead({ pool, events }) },
    ],
    events.choreFailed,
  )
  // The default format quotes the arguments of a call that fails.
  const prisma = new PrismaClient({ ...prismaOptions(pool, 'secrets'), errorFormat: 'minimal' })
  const internal = createInternalClient({
    urls: {
      'api-key': config.API_KEY_URL,
      executor: config.EXECUTOR_URL,
      'interface-registry': config.INTERFACE_REGISTRY_URL,
      'cert-agent': config.CERT_AGENT_URL,
    },
    key: keys.own,
  })
  const auth = createServiceAuth({ internal, listener: () => listener, log })
  const listener = listenForEvents({
    connectionString: config.DATABASE_URL,
    onEvent(event) {
      auth.onEvent(event)
      if (event.topic === keyringTopics.masterKeyChanged) followKeys()
    },
    onGap() {
      auth.onGap()
      followKeys()
    },
    onError,
  })
  return {
    log,
    now,
    metrics,
    events,
    keys,
    chores,
    credentialVersionsMax: config.CREDENTIAL_VERSIONS_MAX,
    credentialPurgeDays,
    expiryGauges,
    accessLog,
    configuredKeys,
    keyring,
    rotations,
    /** Reads the master keys again, and goes on with what rotation is under way. */
    followKeys,
    cipher,
    hostCipher,
    findHostCredential: findTogether(pool),
    pool,
    prisma,
    auth,
    internal,
    pinnedRuns: createPinnedRuns({ internal }),
    checkGrants: createCheckGrants(),
    checkLimits: createCheckLimits(),
    ready: () => keyring.check(),
    vaults,
    async dispose() {
      // First: a webhook that hangs must not keep the chores.
      await notifier?.close()
      await chores.stop()
      await vaults.close()
      await rotations.stop()
      await listener.stop()
      await auth.stop()
      await internal.close()
      await prisma.$disconnect()
      await pool.end()
      for (const key of new Set(Object.values(configuredKeys).flat())) await key.close?.()
    },
  }
}

/** Undefined where nobody is to be told. */
function createConfiguredNotifier(
  { NOTIFY_WEBHOOK_URL, NOTIFY_WEBHOOK_SECRET }: BrokerConfig,
  now: () => Date,
) {
  if (NOTIFY_WEBHOOK_URL === undefined) return undefined
  return createNotifier({ webhooks: [{ url: NOTIFY_WEBHOOK_URL, secret: NOTIFY_WEBHOOK_SECRET }], now })
}

export type Deps = Awaited<ReturnType<typeof createDeps>>
