import { setTimeout as delay } from 'node:timers/promises'

export interface RefusalDelay {
  /** Counts one request with a wrong key; resolves when it may be answered, at once where `gone` fires. */
  hold(address: string, gone: AbortSignal): Promise<void>
}

export interface RefusalDelayOptions {
  now?: () => number
  /** Resolves after `ms`, or when `signal` fires. */
  sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

const freeRefusals = 10
const windowMs = 60_000
const delayMs = 1_000
/** More than these are answered at once: holding them would cost us more than it costs who sends them. */
const waitingMax = 100
const addressesMax = 10_000

/**
 * Slows who tries internal keys: after ten wrong ones from one address within a minute each further one waits a second.
 * Right keys never wait, whatever their address has sent before: nobody can lock a service out from beside it.
 */
export function createRefusalDelay({
  now = Date.now,
  sleep = (ms, signal) => delay(ms, undefined, { signal, ref: false }),
}: RefusalDelayOptions = {}): RefusalDelay {
  /** When the last refusals of an address were, oldest first. */
  const refusals = new Map<string, number[]>()
  let waiting = 0

  /** Whether there were as many as are free before this one. */
  function count(address: string): boolean {
    const at = now()
    const recent = (refusals.get(address) ?? []).filter((time) => at - time < windowMs)
    refusals.delete(address)
    // The map is kept in the order of the last refusal.
    if (refusals.size >= addressesMax) refusals.delete(refusals.keys().next().value as string)
    refusals.set(address, [...recent, at].slice(-freeRefusals))
    return recent.length >= freeRefusals
  }

  return {
    async hold(address, gone) {
      if (!count(address) || waiting >= waitingMax || gone.aborted) return
      waiting++
      try {
        await sleep(delayMs, gone)
      } catch {
        // Its client has gone: nobody waits for the answer.
      } finally {
        waiting--
      }
    },
  }
}
