import { randomBytes } from 'node:crypto'
import type { Metrics } from '@opsconductor/service-kit'
import argon2 from 'argon2'
import { createBoundedQueue } from './bounded-queue.ts'

/** OWASP's smallest recommended argon2id: about 70 ms and 19 MiB a hash. */
const parameters = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

export interface PasswordHasher {
  hash(password: string): Promise<string>
  /** False for a wrong password; an undefined hash (no such user) takes the same work and is always false. */
  matches(hash: string | undefined, password: string): Promise<boolean>
}

/**
 * argon2id, never more than two at once: each fills a thread of the pool and 19 MiB, so a flood of sign-ins would
 * otherwise stop everything else. Throws `service_unavailable` where too many wait.
 */
export async function createPasswordHasher(metrics: Metrics): Promise<PasswordHasher> {
  const computed = metrics.counter('api_key_password_hashes_total', 'Password hashes computed.')
  const queue = createBoundedQueue({ runningMax: 2, waitingMax: 20 })
  const dummy = await argon2.hash(randomBytes(32), parameters)
  return {
    hash: (password) =>
      queue.run(() => {
        computed.inc()
        return argon2.hash(password, parameters)
      }),
    async matches(hash, password) {
      const matched = await queue.run(() => {
        computed.inc()
        return argon2.verify(hash ?? dummy, password)
      })
      return matched && hash !== undefined
    },
  }
}
