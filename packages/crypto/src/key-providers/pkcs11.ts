import { randomBytes } from 'node:crypto'
import type { Module, SecretKey, Session } from 'graphene-pk11'
import { DecryptionError } from '../envelope.ts'
import { keyId } from '../master-key.ts'
import { KeyRefused, KeyUnavailable, type MasterKey } from './define-key-provider.ts'
import {
  findKey,
  importPkcs11,
  openLibrary,
  openSession,
  type Pkcs11,
  type Pkcs11Options,
  pkcs11Code,
} from './pkcs11-token.ts'

export type { Pkcs11Options } from './pkcs11-token.ts'

const nonceBytes = 12
const tagBytes = 16

interface Connection {
  session: Session
  key: SecretKey
  /** CKA_ID. */
  id: Buffer
}

interface HsmCipher {
  wrap(plaintext: Buffer, aad: string): Buffer
  unwrap(wrapped: Buffer, aad: string): Buffer
}

/**
 * An AES-256 key that stays in an HSM. Wraps are `base64(nonce ‖ ciphertext ‖ tag)`, as everywhere. Calls block for as
 * long as the HSM takes (SoftHSM: 0.24 ms), so it is for data keys and not for rows. A session that the HSM dropped is
 * opened again; a PIN that it refused is never sent twice. Throws KeyRefused or KeyUnavailable.
 */
export async function openPkcs11Key(options: Pkcs11Options): Promise<MasterKey> {
  const pkcs11 = await importPkcs11()
  const module = openLibrary(pkcs11, options.modulePath)
  const connection = keepConnection(() => connect(pkcs11, module, options))
  const cipher: HsmCipher = {
    wrap: (plaintext, aad) => connection.run((on) => encrypt(pkcs11, on, plaintext, aad)),
    unwrap: (wrapped, aad) => connection.run((on) => decrypt(pkcs11, on, wrapped, aad)),
  }
  try {
    const id = connection.run((on) => on.id)
    assertWorks(cipher, options)
    assertBinds(cipher, options)
    return createHsmKey(id, cipher, connection.close, options)
  } catch (error) {
    connection.close()
    throw asKeyError(error, options)
  }
}

function createHsmKey(id: Buffer, cipher: HsmCipher, close: () => void, options: Pkcs11Options): MasterKey {
  return {
    id: `pkcs11:${keyId(JSON.stringify([options.keyLabel, id.toString('hex')]))}`,
    provider: 'pkcs11',
    async wrap(plaintext, aad) {
      try {
        return cipher.wrap(plaintext, aad).toString('base64')
      } catch (error) {
        throw asKeyError(error, options)
      }
    },
    async unwrap(wrapped, aad) {
      const bytes = Buffer.from(wrapped, 'base64')
      if (bytes.length < nonceBytes + tagBytes || bytes.toString('base64') !== wrapped)
        throw new DecryptionError('The wrapped key is malformed.')
      try {
        return cipher.unwrap(bytes, aad)
      } catch (error) {
        throw explainFailedUnwrap(error, cipher, options)
      }
    },
    close: async () => close(),
  }
}

function connect(pkcs11: Pkcs11, module: Module, options: Pkcs11Options): Connection {
  const session = openSession(pkcs11, module, options)
  try {
    return { session, ...findKey(pkcs11, session, options.keyLabel) }
  } catch (error) {
    session.close()
    throw error
  }
}

/** Runs operations on one connection. After a failed one it is given up: the library may hold the operation to be open. */
function keepConnection(open: () => Connection) {
  let connection: Connection | undefined
  let closed = false
  const disconnect = () => {
    try {
      connection?.session.close()
    } catch {
      // The HSM has dropped it already.
    }
    connection = undefined
  }
  const run = <Result>(use: (connection: Connection) => Result, again = true): Result => {
    if (closed) throw new KeyUnavailable('The PKCS#11 key was closed.')
    try {
      connection ??= open()
      return use(connection)
    } catch (error) {
      disconnect()
      if (again && sessionIsLost(error)) return run(use, false)
      throw error
    }
  }
  const close = () => {
    disconnect()
    closed = true
  }
  return { run, close }
}

function assertWorks(cipher: HsmCipher, { tokenLabel }: Pkcs11Options): void {
  const bytes = randomBytes(nonceBytes)
  if (!cipher.unwrap(cipher.wrap(bytes, 'self test'), 'self test').equals(bytes))
    throw new KeyRefused(`The PKCS#11 token "${tokenLabel}" does not give back what it encrypted.`)
}

function assertBinds(cipher: HsmCipher, { tokenLabel }: Pkcs11Options): void {
  const wrapped = cipher.wrap(randomBytes(nonceBytes), 'self test')
  try {
    cipher.unwrap(wrapped, 'another place')
  } catch {
    return
  }
  throw new KeyRefused(`The PKCS#11 token "${tokenLabel}" does not bind what it encrypts to its place.`)
}

const gcm = (pkcs11: Pkcs11, nonce: Buffer, aad: string) => ({
  name: 'AES_GCM',
  params: new pkcs11.AesGcmParams(nonce, Buffer.from(aad), tagBytes * 8),
})

function encrypt(pkcs11: Pkcs11, { session, key }: Connection, plaintext: Buffer, aad: string): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = session.createCipher(gcm(pkcs11, nonce, aad), key)
  return Buffer.concat([nonce, cipher.once(plaintext, Buffer.alloc(plaintext.length + tagBytes))])
}

function decrypt(pkcs11: Pkcs11, { session, key }: Connection, wrapped: Buffer, aad: string): Buffer {
  const decipher = session.createDecipher(gcm(pkcs11, wrapped.subarray(0, nonceBytes), aad), key)
  const body = wrapped.subarray(nonceBytes)
  return decipher.once(body, Buffer.alloc(body.length))
}

const lostSession = new Set([
  'CKR_SESSION_HANDLE_INVALID',
  'CKR_SESSION_CLOSED',
  'CKR_USER_NOT_LOGGED_IN',
  'CKR_KEY_HANDLE_INVALID',
  'CKR_OBJECT_HANDLE_INVALID',
  'CKR_DEVICE_REMOVED',
  'CKR_DEVICE_ERROR',
  'CKR_TOKEN_NOT_PRESENT',
  'CKR_OPERATION_ACTIVE',
])
const sessionIsLost = (error: unknown): boolean => lostSession.has(pkcs11Code(error))

const doesNotOpen = new Set(['CKR_ENCRYPTED_DATA_INVALID', 'CKR_ENCRYPTED_DATA_LEN_RANGE'])

/** SoftHSM says CKR_GENERAL_ERROR of a text that does not open; so does a broken HSM, which then fails its self-test. */
function explainFailedUnwrap(error: unknown, cipher: HsmCipher, options: Pkcs11Options): Error {
  if (error instanceof KeyRefused || error instanceof KeyUnavailable || sessionIsLost(error))
    return asKeyError(error, options)
  if (!doesNotOpen.has(pkcs11Code(error)))
    try {
      assertWorks(cipher, options)
    } catch (fault) {
      return asKeyError(fault, options)
    }
  return new DecryptionError('The wrapped key could not be authenticated.')
}

function asKeyError(error: unknown, { tokenLabel }: Pkcs11Options): Error {
  if (error instanceof KeyRefused || error instanceof KeyUnavailable) return error
  const code = pkcs11Code(error)
  if (code === 'CKR_MECHANISM_INVALID')
    return new KeyRefused(`The PKCS#11 token "${tokenLabel}" has no AES-GCM.`)
  return new KeyUnavailable(`The PKCS#11 token "${tokenLabel}" does not answer (${code}).`)
}
