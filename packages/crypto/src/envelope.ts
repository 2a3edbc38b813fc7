import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'

const algorithm = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16

/** A ciphertext that does not open: another key, another place (AAD), or changed bytes. Which of them cannot be told. */
export class DecryptionError extends Error {}

/**
 * AES-256-GCM under a random 96-bit nonce: `base64(nonce ‖ ciphertext ‖ tag)`. What `aad` says must be said again to
 * decrypt, so that a ciphertext cannot be moved to another row.
 */
export function encrypt(key: KeyObject, plaintext: string, aad?: string): string {
  return seal(key, plaintext, aad)
}

/** As `encrypt`, of bytes. The caller clears them. */
export function wrapBytes(key: KeyObject, plaintext: Buffer, aad?: string): string {
  return seal(key, plaintext, aad)
}

/** The plaintext; throws DecryptionError, whose message holds nothing of either text. */
export function decrypt(key: KeyObject, ciphertext: string, aad?: string): string {
  const plaintext = unwrapBytes(key, ciphertext, aad)
  const text = plaintext.toString('utf8')
  plaintext.fill(0)
  return text
}

/** As `decrypt`, to bytes that the caller clears after use. */
export function unwrapBytes(key: KeyObject, ciphertext: string, aad?: string): Buffer {
  const bytes = Buffer.from(ciphertext, 'base64')
  // Node reads past what is not base64; a text that was changed must not open because of that.
  if (bytes.length < nonceBytes + tagBytes || bytes.toString('base64') !== ciphertext)
    throw new DecryptionError('The ciphertext is malformed.')
  const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  })
  decipher.setAuthTag(bytes.subarray(-tagBytes))
  if (aad !== undefined) decipher.setAAD(Buffer.from(aad))
  const plaintext = decipher.update(bytes.subarray(nonceBytes, -tagBytes))
  try {
    // GCM is a stream cipher: nothing follows what update() gave.
    decipher.final()
  } catch {
    plaintext.fill(0)
    throw new DecryptionError('The ciphertext could not be authenticated.')
  }
  return plaintext
}

function seal(key: KeyObject, plaintext: string | Buffer, aad?: string): string {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes })
  if (aad !== undefined) cipher.setAAD(Buffer.from(aad))
  const body = typeof plaintext === 'string' ? cipher.update(plaintext, 'utf8') : cipher.update(plaintext)
  return Buffer.concat([nonce, body, cipher.final(), cipher.getAuthTag()]).toString('base64')
}
