import { AppError } from '@opsconductor/errors'
import type { Cipher } from '../keyring/cipher.ts'
import type { VaultConnection } from './define-vault-provider.ts'
import { guardVault, type VaultMetrics } from './guard-vault.ts'
import type { OutboundRules } from './outbound.ts'
import { findVaultProvider } from './providers/index.ts'
import type { SealedVault } from './store.ts'
import { openAuth } from './vault-auth.ts'

export interface VaultPool {
  /** The connection to the vault as its row is now; one that was made with a former version of it is dropped. */
  get(vault: SealedVault): Promise<VaultConnection>
  close(): Promise<void>
}

interface PoolOptions {
  cipher: Cipher
  metrics: VaultMetrics
  outbound: OutboundRules
  now(): number
}

const connectionsMax = 500
/** Longer than any read: what is under way ends by itself. */
const lingerMs = 15_000

/** Connections are made once for all credentials of a vault: one login, one breaker. */
export function createVaultPool({ cipher, metrics, outbound, now }: PoolOptions): VaultPool {
  const open = new Map<string, { version: number; connection: Promise<VaultConnection> }>()
  const leaving = new Map<Promise<VaultConnection>, NodeJS.Timeout>()

  async function connect(vault: SealedVault): Promise<VaultConnection> {
    const provider = findVaultProvider(vault.provider)
    if (provider === undefined)
      throw new AppError('internal_error', 'The kind of vault is not known any more.')
    const auth = await openAuth(cipher, vault)
    const connection = provider.connect(vault.settings as never, auth as never, { outbound, now })
    return guardVault(connection, { provider: vault.provider, metrics, now })
  }

  function drop(id: string): void {
    const connection = open.get(id)?.connection
    open.delete(id)
    if (connection === undefined) return
    const timer = setTimeout(() => {
      leaving.delete(connection)
      void closed(connection)
    }, lingerMs).unref()
    leaving.set(connection, timer)
  }

  return {
    get(vault) {
      const known = open.get(vault.id)
      if (known?.version === vault.version) {
        // The map is kept in the order of use.
        open.delete(vault.id)
        open.set(vault.id, known)
        return known.connection
      }
      drop(vault.id)
      if (open.size >= connectionsMax) drop(open.keys().next().value as string)
      const connection = connect(vault)
      open.set(vault.id, { version: vault.version, connection })
      connection.catch(() => {
        if (open.get(vault.id)?.connection === connection) open.delete(vault.id)
      })
      return connection
    },
    async close() {
      for (const timer of leaving.values()) clearTimeout(timer)
      const all = [...leaving.keys(), ...[...open.values()].map(({ connection }) => connection)]
      open.clear()
      leaving.clear()
      await Promise.all(all.map(closed))
    },
  }
}

/** Whatever a vault says to a farewell. */
const closed = (connection: Promise<VaultConnection>): Promise<void> =>
  connection.then((made) => made.close()).catch(() => {})
