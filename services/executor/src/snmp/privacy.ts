import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { library } from './net-snmp.ts'

/** The library's numbers of ciphers, by the names that credentials have; `b` and `r` say how a long key is made. */
export const privProtocols: Readonly<Record<string, number>> = {
  des: 2,
  aes128: 4,
  aes192b: 5,
  aes256b: 6,
  aes192r: 7,
  aes256r: 8,
}

const { Authentication, Encryption } = library
const { algorithms } = Encryption
const aes128 = algorithms[4] as (typeof algorithms)[number]

/** draft-blumenthal-aes-usm-04 and draft-reeder-snmpv3-usm-3desede-00, as the library has them for AES-256. */
for (const [protocol, localizationAlgorithm] of [
  [5, Encryption.generateLocalizedKeyBlumenthal],
  [7, Encryption.generateLocalizedKeyReeder],
] as const)
  algorithms[protocol] = {
    ...aes128,
    CRYPTO_ALGORITHM: 'aes-192-cfb',
    KEY_LENGTH: 24,
    localizationAlgorithm,
  }

/**
 * OpenSSL 3 has DES only in its legacy provider, which Node does not load. Triple DES with one key three times over is DES,
 * and that it has. Keys and IVs: RFC 3414 section 8.1.1.
 */
const desOf = (authProtocol: number, privKey: string, engineId: Buffer) => {
  const localized = Authentication.passwordToKey(authProtocol, privKey, engineId)
  const key = localized.subarray(0, 8)
  return {
    key: Buffer.concat([key, key, key]),
    ivOf: (salt: Buffer) => Buffer.from(salt.map((byte, index) => byte ^ (localized[8 + index] as number))),
  }
}

algorithms[2] = {
  ...(algorithms[2] as (typeof algorithms)[number]),
  encryptPdu(pdu, _, privKey, authProtocol, { engineID, engineBoots }) {
    const { key, ivOf } = desOf(authProtocol, privKey, engineID)
    const salt = Buffer.concat([Buffer.alloc(4), randomBytes(4)])
    salt.writeUInt32BE(engineBoots >>> 0)
    const padded = Buffer.concat([pdu, Buffer.alloc((8 - (pdu.length % 8)) % 8)])
    const cipher = createCipheriv('des-ede3-cbc', key, ivOf(salt)).setAutoPadding(false)
    return {
      encryptedPdu: Buffer.concat([cipher.update(padded), cipher.final()]),
      msgPrivacyParameters: salt,
    }
  },
  decryptPdu(pdu, _, salt, privKey, authProtocol, { engineID }) {
    const { key, ivOf } = desOf(authProtocol, privKey, engineID)
    const decipher = createDecipheriv('des-ede3-cbc', key, ivOf(salt)).setAutoPadding(false)
    return Buffer.concat([decipher.update(pdu), decipher.final()])
  },
}

let holders = 0
const keysMax = 1_000

/**
 * The library keeps every key that it ever made, under the passphrase it came from. While one session is open that is
 * wanted; when the last is closed nothing stays.
 */
export function holdKeys(): { release(): void } {
  holders++
  let isHeld = true
  return {
    release() {
      if (!isHeld) return
      isHeld = false
      holders--
      if (holders === 0 || Object.keys(Authentication.authToKeyCache).length > keysMax)
        Authentication.authToKeyCache = {}
    },
  }
}
