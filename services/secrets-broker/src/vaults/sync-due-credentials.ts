import type { Logger } from '@opsconductor/service-kit'
import { claimDueCredentials } from './copy-store.ts'
import type { VaultDeps } from './create-vaults.ts'
import { syncCredential } from './sync-credential.ts'

const batchMax = 100
const atOnce = 4
/** Another broker takes over what this one did not get done by then. */
const claimMs = 5 * 60_000

/** Reads the vaults of the synchronised credentials whose time has come; answers how many there were. */
export async function syncDueCredentials(deps: VaultDeps, log: Logger): Promise<number> {
  const now = deps.now()
  const claimedUntil = new Date(now.getTime() + claimMs)
  const due = await claimDueCredentials(deps.pool, { now, claimedUntil, limit: batchMax })
  const waiting = [...due]
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const credential = next
      await syncCredential(deps, credential, {
        ...{ by: 'secrets-broker', from: '', reason: 'vault synchronisation', take: false },
      }).catch((error: unknown) =>
        log.error({ err: error, credential_id: credential.id }, 'a vault synchronisation failed'),
      )
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return due.length
}
