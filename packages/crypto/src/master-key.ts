import { createHash, createSecretKey, type KeyObject, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'

/** A key that encrypts in this process. Its id names it in rows and logs and gives nothing away. */
export interface DerivedKey {
  id: string
  key: KeyObject
}

// Fixed by seed 003; rows written elsewhere with the same parameters must stay readable.
const iterations = 100_000
const salt = 'opsconductor-secrets-v1'
const keyBytes = 32
const idBytes = 8

/**
 * PBKDF2-HMAC-SHA256 of a passphrase, as `SECRETS_KMS_KEY` is one. Takes some 30 ms: done once, at start. The id is the
 * first 8 bytes of the derived key's SHA-256, in hex.
 */
export async function deriveSeedKey(passphrase: string | Buffer): Promise<DerivedKey> {
  const bytes = await promisify(pbkdf2)(passphrase, salt, iterations, keyBytes, 'sha256')
  const id = keyId(bytes)
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return { id, key }
}

/** The first 8 bytes, in hex, of the SHA-256 of what tells a key from every other. */
export function keyId(identity: Buffer | string): string {
  return createHash('sha256')
    .update(identity)
    .digest('hex')
    .slice(0, idBytes * 2)
}
