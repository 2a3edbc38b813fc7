import { setTimeout as delay } from 'node:timers/promises'
import { databaseUnavailable } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'

/** How long our own database and the broker are waited for, before and after the step itself. */
export const waitMsMax = 20_000

const delayMs = { first: 100, most: 2_000 }

/**
 * Repeats what has no effect on a target (our database, the broker) while it is away, so that a restart of theirs does
 * not use up the attempts of a step that may be tried only once. Gives up after `msMax` or when `signal` fires.
 */
export async function whileUnavailable<T>(
  work: () => Promise<T>,
  options: { msMax: number; signal: AbortSignal },
): Promise<T> {
  let left = options.msMax
  for (let wait = delayMs.first; ; wait = Math.min(wait * 2, delayMs.most)) {
    try {
      return await work()
    } catch (error) {
      const known = databaseUnavailable(error) ?? error
      if (!(known instanceof AppError) || known.code !== 'service_unavailable' || left <= 0) throw known
      left -= wait
      await delay(wait, undefined, { signal: options.signal }).catch(() => {
        throw options.signal.reason
      })
    }
  }
}
