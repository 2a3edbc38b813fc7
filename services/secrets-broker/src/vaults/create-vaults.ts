import type { Metrics } from '@opsconductor/service-kit'
import type pg from 'pg'
import type { AccessLog } from '../access-log/access-log.ts'
import type { Events } from '../events.ts'
import type { Cipher } from '../keyring/cipher.ts'
import { createVaultMetrics } from './guard-vault.ts'
import type { OutboundRules } from './outbound.ts'
import { createSecretCache } from './secret-cache.ts'
import { createVaultPool } from './vault-pool.ts'

export interface VaultsOptions {
  cipher: Cipher
  metrics: Metrics
  outbound: OutboundRules
  now(): Date
}

/** What is kept of the vaults between requests. */
export function createVaults({ cipher, metrics, outbound, now }: VaultsOptions) {
  const clock = () => now().getTime()
  const connections = createVaultPool({ cipher, metrics: createVaultMetrics(metrics), outbound, now: clock })
  const cache = createSecretCache({ now: clock })
  return {
    outbound,
    connections,
    cache,
    /** First reads of copies that are under way, by credential. */
    syncing: new Map<string, Promise<unknown>>(),
    async close() {
      cache.clear()
      await connections.close()
    },
  }
}

export type Vaults = ReturnType<typeof createVaults>

/** What this room works with. */
export interface VaultDeps {
  pool: pg.Pool
  cipher: Cipher
  accessLog: AccessLog
  events: Events
  vaults: Vaults
  now(): Date
}
