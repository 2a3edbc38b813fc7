import { isIPv6 } from 'node:net'
import { AppError } from '@opsconductor/errors'

/** One attempt that counts as failed until it is said to be something else. */
export interface Attempt {
  succeeded(): void
  /** It was not decided (no turn to hash, no database): it does not count. */
  withdrawn(): void
}

export interface SignInThrottle {
  /** Throws `too_many_requests` while the account is slowed for this address. */
  begin(account: string, address: string): Attempt
}

const freeFailures = 5
const firstDelayMs = 5_000
const delayMsMax = 15 * 60_000
/** After this long without an attempt the failures are forgotten. */
const memoryMs = 60 * 60_000
const entriesMax = 10_000

interface Entry {
  failures: number
  lastAt: number
}

/**
 * Slows guessing: after five failures of one account from one address each further one doubles the wait, up to a
 * quarter of an hour. By address as well, so that nobody can lock out somebody else. An attempt is counted when it
 * begins, so a hundred at once are no way around it.
 */
export function createSignInThrottle(now: () => number): SignInThrottle {
  const entries = new Map<string, Entry>()

  function waitMs(entry: Entry): number {
    if (entry.failures < freeFailures) return 0
    const delay = Math.min(firstDelayMs * 2 ** (entry.failures - freeFailures), delayMsMax)
    return entry.lastAt + delay - now()
  }

  return {
    begin(account, address) {
      const name = `${networkOf(address)} ${account}`
      const known = entries.get(name)
      const entry =
        known === undefined || now() - known.lastAt > memoryMs ? { failures: 0, lastAt: now() } : known
      const wait = waitMs(entry)
      if (wait > 0)
        throw new AppError('too_many_requests', 'Too many failed sign-ins; wait before the next.', {
          retryAfterSeconds: Math.ceil(wait / 1000),
        })
      entry.failures++
      entry.lastAt = now()
      // The least recently tried go first when the memory is full.
      entries.delete(name)
      if (entries.size >= entriesMax) entries.delete(entries.keys().next().value as string)
      entries.set(name, entry)
      return {
        succeeded: () => entries.delete(name),
        withdrawn() {
          entry.failures = Math.max(0, entry.failures - 1)
        },
      }
    },
  }
}

/** Who has one IPv6 address has the 2^64 of its network, so they count as one. Other addresses stand for themselves. */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address
  const [left = [], right = []] = address.split('::').map((half) => half.split(':').filter(Boolean))
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
