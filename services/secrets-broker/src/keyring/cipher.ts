import { DecryptionError, decrypt, encrypt, KeyRefused, KeyUnavailable } from '@opsconductor/crypto'
import { AppError } from '@opsconductor/errors'
import type pg from 'pg'
import type { Events } from '../events.ts'
import type { Keyring } from './keyring.ts'
import type { KeyUse } from './master-keys.ts'
import { holdCurrentMasterKey } from './store.ts'

/** A ciphertext and the id of the key that opens it, as rows keep them. */
export interface Sealed {
  keyId: string
  ciphertext: string
}

/** Where a ciphertext belongs: copied to another table, row or project, it does not open. */
export interface Place {
  table: string
  id: string
  projectId: string
}

/** For everything but host credentials: under the project's data key, bound to its place. */
export interface Cipher {
  seal(place: Place, plaintext: string): Promise<Sealed>
  /** Throws `decryption_failed`, and counts it. */
  open(place: Place, sealed: Sealed): Promise<string>
}

/** For host credentials, in the seed's format, which binds nothing. */
export interface HostCipher {
  /** Gets the key that encrypts, which takes a connection of its own at its first use. Throws `service_unavailable`. */
  prepare(): Promise<void>
  /**
   * For a row that is written in the client's transaction: under the key that stays current until it has ended, so that
   * no rotation overlooks it.
   */
  encryptIn(client: pg.PoolClient, plaintext: string): Promise<Sealed>
  /** A row that another program of the seed wrote names no key. Throws `decryption_failed`, and counts it. */
  decrypt(encrypted: { keyId: string | null; ciphertext: string }): Promise<string>
}

const aadOf = ({ table, id, projectId }: Place) => JSON.stringify([table, id, projectId])

export function createCipher(keyring: Keyring, events: Events): Cipher {
  return {
    async seal(place, plaintext) {
      const { id, key } = await keyring.projectKey(place.projectId).catch(toKeyServiceError)
      return { keyId: id, ciphertext: encrypt(key, plaintext, aadOf(place)) }
    },
    open: (place, { keyId, ciphertext }) =>
      counted(events, 'credentials', keyId, async () =>
        decrypt(await keyring.rowKey(keyId), ciphertext, aadOf(place)),
      ),
  }
}

export function createHostCipher(keyring: Keyring, events: Events): HostCipher {
  return {
    async prepare() {
      await keyring.hostKey().catch(toKeyServiceError)
    },
    async encryptIn(client, plaintext) {
      for (;;) {
        const master = keyring.current('host_credentials')
        const { id, key } = await keyring.hostKey().catch(toKeyServiceError)
        if (await holdCurrentMasterKey(client, 'host_credentials', master.id))
          return { keyId: id, ciphertext: encrypt(key, plaintext) }
        await keyring.reload(client).catch(toKeyServiceError)
      }
    },
    decrypt: ({ keyId, ciphertext }) =>
      counted(events, 'host_credentials', keyId ?? 'none', async () =>
        keyId === null
          ? decryptWithAny(keyring, ciphertext)
          : decrypt(await keyring.rowKey(keyId), ciphertext),
      ),
  }
}

/** Tries the master keys one after the other: while a rotation goes on, a row without a key's name may be of either. */
function decryptWithAny(keyring: Keyring, ciphertext: string): string {
  let failure = new DecryptionError('There is no master key in this process that could open it.')
  for (const { local } of keyring.masters('host_credentials')) {
    if (local === undefined) continue
    try {
      return decrypt(local, ciphertext)
    } catch (error) {
      if (!(error instanceof DecryptionError)) throw error
      failure = error
    }
  }
  throw failure
}

async function counted(
  events: Events,
  keyUse: KeyUse,
  keyId: string,
  open: () => Promise<string>,
): Promise<string> {
  try {
    return await open()
  } catch (error) {
    if (!(error instanceof DecryptionError)) return toKeyServiceError(error)
    events.encryptionFailed({ keyUse, keyId, reason: error.message })
    throw new AppError('decryption_failed', 'Failed to decrypt credential', { cause: error })
  }
}

/** What a caller is told where a master key's provider, or a data key, is at fault. */
export function toKeyServiceError(error: unknown): never {
  if (error instanceof KeyUnavailable || error instanceof KeyRefused)
    throw new AppError('service_unavailable', 'The service that keeps the master key is not available.', {
      cause: error,
      retryAfterSeconds: 2,
    })
  // Of the data key itself: there is nothing that could be encrypted with it.
  if (error instanceof DecryptionError)
    throw new AppError('decryption_failed', 'Failed to decrypt credential', { cause: error })
  throw error
}
