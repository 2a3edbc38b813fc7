import { AppError } from '@opsconductor/errors'
import { isOutage, vaultError } from './vault-error.ts'

/** Keeps calls away from a vault that is in trouble, and lets one through at a time to see whether it still is. */
export interface Breaker {
  /** Does `call`, or throws `vault_unreachable` at once while the breaker is open. */
  run<T>(call: () => Promise<T>): Promise<T>
  state(): 'closed' | 'open' | 'half_open'
}

interface BreakerOptions {
  now(): number
  /** Outages in a row that open it. */
  failuresMax?: number
  openMs?: number
}

/** Only outages count: a vault that refuses access or has no such secret is well. */
export function createBreaker({ now, failuresMax = 5, openMs = 15_000 }: BreakerOptions): Breaker {
  let failures = 0
  let openUntil = 0
  let probing = false

  function failed(error: unknown): void {
    if (!isOutage(error)) {
      // Any answer shows that the vault is well; a call that was given up shows nothing.
      if (error instanceof AppError) failures = openUntil = 0
      return
    }
    failures++
    // A vault that says when to come back is believed at once.
    const { retryAfterSeconds } = error as AppError
    if (retryAfterSeconds !== undefined) openUntil = now() + Math.min(retryAfterSeconds * 1000, 60_000)
    else if (failures >= failuresMax) openUntil = now() + openMs
  }

  return {
    async run(call) {
      const isProbe = openUntil > 0
      if (now() < openUntil || (isProbe && probing)) throw notTried(openUntil - now())
      probing = isProbe
      try {
        const result = await call()
        failures = openUntil = 0
        return result
      } catch (error) {
        failed(error)
        throw error
      } finally {
        if (isProbe) probing = false
      }
    },
    state: () => (openUntil === 0 ? 'closed' : now() < openUntil ? 'open' : 'half_open'),
  }
}

const notTried = (ms: number): AppError =>
  vaultError(
    'vault_unreachable',
    'The vault failed several times in a row and is not asked for some seconds.',
    {
      retryAfterSeconds: Math.max(1, Math.ceil(ms / 1000)),
    },
  )
