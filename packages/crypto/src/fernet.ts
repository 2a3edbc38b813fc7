import { createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto'
import { DecryptionError } from './envelope.ts'
import { KeyRefused } from './key-providers/define-key-provider.ts'

// https://github.com/fernet/spec/blob/master/Spec.md, version 0x80, the only one there is.
const version = 0x80
const keyBytes = 32
const signingKeyBytes = 16
const timestampOffset = 1
const ivOffset = 9
const ciphertextOffset = 25
const blockBytes = 16
const hmacBytes = 32
/** What clocks may differ by before a token of the future is refused: as the specification's own test cases have it. */
const clockSkewSeconds = 60

export interface FernetKey {
  signing: Buffer
  encryption: Buffer
}

/** The key that `Fernet.generate_key()` gave: 32 bytes in base64url. Throws KeyRefused, which quotes nothing of it. */
export function parseFernetKey(text: string): FernetKey {
  const bytes = fromBase64Url(text)
  if (bytes?.length !== keyBytes) throw new KeyRefused('A Fernet key must be 32 bytes in base64url.')
  return { signing: bytes.subarray(0, signingKeyBytes), encryption: bytes.subarray(signingKeyBytes) }
}

/**
 * The message in a Fernet token, which the caller clears after use. With `maxAge` a token that is older, or of the
 * future, is refused. Throws DecryptionError, whose message holds nothing of either text.
 */
export function openFernetToken(
  { signing, encryption }: FernetKey,
  token: string,
  maxAge?: { ttlSeconds: number; now: Date },
): Buffer {
  const bytes = fromBase64Url(token)
  if (bytes === undefined) throw new DecryptionError('The token is not base64url.')
  const signed = bytes.subarray(0, -hmacBytes)
  const ciphertext = signed.subarray(ciphertextOffset)
  if (signed.length < ciphertextOffset + blockBytes) throw new DecryptionError('The token is too short.')
  if (signed[0] !== version) throw new DecryptionError('The token is of another version than 0x80.')
  if (maxAge !== undefined) assertAge(signed.readBigUInt64BE(timestampOffset), maxAge)
  const hmac = createHmac('sha256', signing).update(signed).digest()
  if (!timingSafeEqual(hmac, bytes.subarray(-hmacBytes)))
    throw new DecryptionError('The token could not be authenticated.')
  return decryptBlocks(encryption, signed.subarray(ivOffset, ciphertextOffset), ciphertext)
}

function assertAge(madeAtSeconds: bigint, { ttlSeconds, now }: { ttlSeconds: number; now: Date }): void {
  const ageSeconds = now.getTime() / 1000 - Number(madeAtSeconds)
  if (ageSeconds > ttlSeconds) throw new DecryptionError('The token has expired.')
  if (ageSeconds < -clockSkewSeconds) throw new DecryptionError('The token is of the future.')
}

function decryptBlocks(key: Buffer, iv: Buffer, ciphertext: Buffer): Buffer {
  const decipher = createDecipheriv('aes-128-cbc', key, iv)
  try {
    return Buffer.concat([decipher.update(ciphertext), decipher.final()])
  } catch {
    throw new DecryptionError("The token's padding is wrong.")
  }
}

/** Undefined where it is not base64url, padding and all: Node would read past what is none. */
function fromBase64Url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  const padding = '='.repeat((3 - (bytes.length % 3)) % 3)
  return bytes.toString('base64url') + padding === text ? bytes : undefined
}
