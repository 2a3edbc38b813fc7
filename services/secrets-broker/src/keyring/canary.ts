import { DecryptionError, type MasterKey } from '@opsconductor/crypto'
import type { KeyUse } from './master-keys.ts'
import type { MasterKeyRow } from './store.ts'

/** What each master key encrypts first, so that another key is known before it writes anything. */
export const canaryText = 'opsconductor-key-canary'

export const canaryAad = (keyUse: KeyUse): string => JSON.stringify(['secrets.master_keys', keyUse])

/** True where the key is the one that the row tells of. Throws KeyUnavailable. */
export async function opensCanary(
  key: MasterKey,
  { keyUse, canary }: Pick<MasterKeyRow, 'keyUse' | 'canary'>,
): Promise<boolean> {
  try {
    return (await key.unwrap(canary, canaryAad(keyUse))).toString() === canaryText
  } catch (error) {
    if (error instanceof DecryptionError) return false
    throw error
  }
}
