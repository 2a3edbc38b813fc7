export interface AccessToken {
  text: string
  /** When to ask for another, in milliseconds since the epoch. */
  staleAt: number
  /** What the next one is asked for with, where the authorisation server gave a new one. */
  refreshToken: string | undefined
}

export interface TokenCache {
  /**
   * The token that is known under the key, or else the one that `ask` gets, once for all who want it at the same time.
   * `ask` is given the token before, for what it said to ask with.
   */
  get(
    key: string,
    ask: (last: AccessToken | undefined) => Promise<AccessToken>,
    signal: AbortSignal,
  ): Promise<AccessToken>
  /** The target did not take it. A newer one, which somebody else got meanwhile, stays. */
  drop(key: string, token: AccessToken): void
}

const tokensMax = 5_000

/** `stopped`: who asked was cancelled, which is no answer to those who waited. */
type Outcome = { token: AccessToken } | { error: unknown } | { stopped: true }

interface Entry {
  token?: AccessToken
  asking?: Promise<Outcome> | undefined
}

export function createTokenCache(now: () => number = Date.now): TokenCache {
  const entries = new Map<string, Entry>()

  function entryOf(key: string): Entry {
    const entry = entries.get(key) ?? {}
    // The map is kept in the order of use.
    entries.delete(key)
    if (entries.size >= tokensMax) entries.delete(entries.keys().next().value as string)
    entries.set(key, entry)
    return entry
  }

  return {
    async get(key, ask, signal) {
      for (;;) {
        signal.throwIfAborted()
        const entry = entryOf(key)
        if (entry.token !== undefined && entry.token.staleAt > now()) return entry.token
        entry.asking ??= askFor(entry, ask, signal)
        const outcome = await orAborted(entry.asking, signal)
        if ('token' in outcome) return outcome.token
        if ('error' in outcome) throw outcome.error
      }
    },
    drop(key, token) {
      const entry = entries.get(key)
      if (entry?.token === token) entry.token = { ...token, staleAt: 0 }
    },
  }
}

async function askFor(
  entry: Entry,
  ask: (last: AccessToken | undefined) => Promise<AccessToken>,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    entry.token = await ask(entry.token)
    return { token: entry.token }
  } catch (error) {
    return signal.aborted ? { stopped: true } : { error }
  } finally {
    entry.asking = undefined
  }
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
