import { DecryptionError, type Keyring, type Sealed } from '@opsconductor/crypto'
import { ConfigError } from '@opsconductor/service-kit'
import type pg from 'pg'
import { type Keyrings, type KeyUse, keyUses, keyVariables } from './ciphers.ts'
import { insertCanary, selectCanaries } from './store.ts'

const canaryText = 'opsconductor-key-canary'
const canaryAad = (keyUse: KeyUse) => JSON.stringify(['secrets.key_canaries', keyUse])

interface KeyCheckDeps {
  pool: pg.Pool
  keyrings: Keyrings
}

/** Throws ConfigError where a configured key is not the one that encrypted what is stored. */
export async function checkKeys({ pool, keyrings }: KeyCheckDeps): Promise<void> {
  const canaries = await selectCanaries(pool)
  for (const keyUse of keyUses)
    if (!opens(keyrings[keyUse], canaries.get(keyUse), keyUse))
      throw new ConfigError(
        `${keyVariables[keyUse]} is not the key that encrypted the stored ${keyUse}: it has the id ${keyrings[keyUse].currentId}, they were encrypted with ${canaries.get(keyUse)?.keyId ?? 'none'}`,
      )
}

function opens(keyring: Keyring, canary: Sealed | undefined, keyUse: KeyUse): boolean {
  if (canary === undefined) return false
  try {
    return keyring.decrypt(canary, canaryAad(keyUse)) === canaryText
  } catch (error) {
    if (error instanceof DecryptionError) return false
    throw error
  }
}

/** Once, before anything is written: leaves each key's canary at the first start, and checks it at every later one. */
export async function checkKeysAtStart(deps: KeyCheckDeps): Promise<void> {
  for (const keyUse of keyUses)
    await insertCanary(deps.pool, keyUse, deps.keyrings[keyUse].encrypt(canaryText, canaryAad(keyUse)))
  await checkKeys(deps)
}
