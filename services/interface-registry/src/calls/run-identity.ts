import { createHash, randomBytes } from 'node:crypto'
import { AppError } from '@opsconductor/errors'

export interface RunIdentity {
  runId: string
  /** Of the Temporal update: one for each different body, so that another body reaches the run's validator. */
  updateId: string
}

const sha256 = (text: string) => createHash('sha256').update(text).digest()

/**
 * Which run a call is about: the same for the same interface, API key and Idempotency-Key, a new one where no
 * Idempotency-Key was sent. The run id is a UUIDv8 (RFC 9562) of the hash.
 */
export function identifyRun(
  interfaceId: string,
  keyId: string,
  idempotencyKey: string | undefined,
  bodyHash: string,
): RunIdentity {
  if (idempotencyKey !== undefined && !/^[\x21-\x7e]{1,255}$/.test(idempotencyKey))
    throw new AppError('invalid_request', 'Idempotency-Key must be 1 to 255 visible ASCII characters.', {
      errors: [{ path: 'header.Idempotency-Key', message: 'must be 1 to 255 visible ASCII characters' }],
    })
  const identity =
    idempotencyKey === undefined
      ? randomBytes(32)
      : sha256(JSON.stringify([interfaceId, keyId, idempotencyKey]))
  return {
    runId: uuidV8(identity),
    updateId: sha256(`${identity.toString('hex')}:${bodyHash}`).toString('hex'),
  }
}

function uuidV8(hash: Buffer): string {
  const bytes = Buffer.from(hash.subarray(0, 16))
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** SHA-256 (hex) of a JSON value, the same for every order of names and every way to write it down. */
export function hashJson(value: unknown): string {
  return sha256(canonical(value)).toString('hex')
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([name, child]) => `${JSON.stringify(name)}:${canonical(child)}`).join(',')}}`
}
