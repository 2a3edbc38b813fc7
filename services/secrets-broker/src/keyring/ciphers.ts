import {
  createKeyring,
  DecryptionError,
  deriveSeedKey,
  type Keyring,
  type Sealed,
} from '@opsconductor/crypto'
import { AppError } from '@opsconductor/errors'
import type { BrokerConfig } from '../config.ts'
import type { Events } from '../events.ts'

/** What a master key encrypts. */
export const keyUses = ['host_credentials', 'credentials'] as const
export type KeyUse = (typeof keyUses)[number]

/** Where each key comes from, for messages. */
export const keyVariables: Record<KeyUse, string> = {
  host_credentials: 'SECRETS_KMS_KEY',
  credentials: 'ORCH_CRED_KEY (or SECRETS_KMS_KEY, where it is unset)',
}

export type Keyrings = Record<KeyUse, Keyring>

export async function openKeyrings(config: BrokerConfig): Promise<Keyrings> {
  const seed = createKeyring(await deriveSeedKey(config.SECRETS_KMS_KEY))
  return {
    host_credentials: seed,
    credentials:
      config.ORCH_CRED_KEY === undefined ? seed : createKeyring(await deriveSeedKey(config.ORCH_CRED_KEY)),
  }
}

/** As a row holds it. A row that another program of the seed wrote names no key: it is the current one's. */
export interface Encrypted {
  keyId: string | null
  ciphertext: string
}

export interface Cipher {
  encrypt(plaintext: string, aad?: string): Sealed
  /** Throws `decryption_failed`, and counts it. */
  decrypt(encrypted: Encrypted, aad?: string): string
}

export function createCipher(keyUse: KeyUse, keyring: Keyring, events: Events): Cipher {
  return {
    encrypt: keyring.encrypt,
    decrypt({ ciphertext, keyId: named }, aad) {
      const keyId = named ?? keyring.currentId
      try {
        return keyring.decrypt({ ciphertext, keyId }, aad)
      } catch (error) {
        if (!(error instanceof DecryptionError)) throw error
        events.encryptionFailed({ keyUse, keyId, reason: error.message })
        throw new AppError('decryption_failed', 'Failed to decrypt credential', { cause: error })
      }
    },
  }
}
