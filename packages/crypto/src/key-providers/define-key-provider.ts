import { createSecretKey, type KeyObject } from 'node:crypto'
import { DecryptionError, unwrapBytes, wrapBytes } from '../envelope.ts'
import { keyId } from '../master-key.ts'

export type KeyProvider = 'environment' | 'file' | 'vault-transit' | 'pkcs11'

/** A master key: wraps data keys. Its id names it in rows and logs and gives nothing away. */
export interface MasterKey {
  /** At most 64 characters: 16 hex digits, behind `transit:` or `pkcs11:` where the key is in another program. */
  id: string
  provider: KeyProvider
  /**
   * AES-256-GCM over a few bytes (a data key, a canary), bound to `aad`: base64 text for a row. Throws KeyUnavailable or
   * KeyRefused. The caller clears `plaintext`.
   */
  wrap(plaintext: Buffer, aad: string): Promise<string>
  /**
   * What was wrapped, for the caller to clear. Throws DecryptionError where it does not open, KeyUnavailable where the
   * provider cannot answer now, KeyRefused where it never will.
   */
  unwrap(wrapped: string, aad: string): Promise<Buffer>
  /** The key itself, where its bytes are in this process: then it encrypts rows in the seed's format directly. */
  local?: KeyObject
  close?(): Promise<void>
}

/** A master key whose bytes are in this process. */
export type LocalKey = MasterKey & { local: KeyObject }

/** The provider cannot answer now: unreachable, sealed, throttled, forbidden. Another try may work. */
export class KeyUnavailable extends Error {}

/** The provider or its key is not what it must be: no other try will work before an operator changes something. */
export class KeyRefused extends Error {}

const localKeyBytes = 32

export function createLocalKey(id: string, provider: KeyProvider, key: KeyObject): LocalKey {
  return {
    id,
    provider,
    local: key,
    wrap: async (plaintext, aad) => wrapBytes(key, plaintext, aad),
    unwrap: async (wrapped, aad) => unwrapBytes(key, wrapped, aad),
  }
}

/**
 * The bytes of `key` wrapped by `by`, for a rotation that survives a restart; undefined where they never leave its
 * provider. `openCopiedKey` makes a key of it again.
 */
export async function copyKey(key: MasterKey, by: MasterKey): Promise<string | undefined> {
  if (key.local === undefined) return undefined
  const bytes = key.local.export()
  try {
    return await by.wrap(bytes, copyAad(key.id))
  } finally {
    bytes.fill(0)
  }
}

/** The key that `copyKey` wrapped. Throws as `by.unwrap` does, and DecryptionError where it is not the key of that id. */
export async function openCopiedKey(
  copy: { id: string; provider: KeyProvider; wrapped: string },
  by: MasterKey,
): Promise<LocalKey> {
  const bytes = await by.unwrap(copy.wrapped, copyAad(copy.id))
  try {
    if (bytes.length !== localKeyBytes || keyId(bytes) !== copy.id)
      throw new DecryptionError('What was copied is not the key of that id.')
    return createLocalKey(copy.id, copy.provider, createSecretKey(bytes))
  } finally {
    bytes.fill(0)
  }
}

const copyAad = (id: string): string => `master-key|${id}`
