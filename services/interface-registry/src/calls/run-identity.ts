import { createHash, randomBytes } from 'node:crypto'
import { AppError } from '@opsconductor/errors'
import { uuidV8 } from '../uuid-v8.ts'

export interface RunIdentity {
  runId: string
  /** Of the Temporal update: one for each different body, so that another body reaches the run's validator. */
  updateId: string
}

const sha256 = (text: string) => createHash('sha256').update(text).digest()

/**
 * Which run (or update of a long-lived workflow) a call is about: the same for the same interface, API key and Idempotency-Key, a new one where no
 * Idempotency-Key was sent.
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
