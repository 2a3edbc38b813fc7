import { DecryptionError, decrypt, encrypt } from './envelope.ts'
import type { MasterKey } from './master-key.ts'

/** A ciphertext and the id of the key that opens it, as rows keep them. */
export interface Sealed {
  keyId: string
  ciphertext: string
}

export interface Keyring {
  /** The id of the key that encrypts. */
  currentId: string
  encrypt(plaintext: string, aad?: string): Sealed
  /** Throws DecryptionError, also where the key is not in the ring. */
  decrypt(sealed: Sealed, aad?: string): string
}

/** One key that encrypts and decrypts, and any number that only decrypt. */
export function createKeyring(current: MasterKey, decryptOnly: readonly MasterKey[] = []): Keyring {
  const byId = new Map([...decryptOnly, current].map(({ id, key }) => [id, key]))
  return {
    currentId: current.id,
    encrypt: (plaintext, aad) => ({
      keyId: current.id,
      ciphertext: encrypt(current.key, plaintext, aad),
    }),
    decrypt({ keyId, ciphertext }, aad) {
      const key = byId.get(keyId)
      if (key === undefined) throw new DecryptionError('The key of the ciphertext is not in the keyring.')
      return decrypt(key, ciphertext, aad)
    },
  }
}
