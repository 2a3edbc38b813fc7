import type { EventListener } from './listen.ts'

export interface CachedLookupOptions {
  /** Not asked for longer than this, even if no event came. */
  ttlMs: number
  entriesMax: number
  /** Values are cached only while changes reach us. */
  listener: Pick<EventListener, 'connected'>
  now?: () => number
}

export interface CachedLookup<Value> {
  get(key: string, load: () => Promise<Value>): Promise<Value>
  /** Forgets every entry whose value matches. A load under way is not kept either. */
  forget(matches: (value: Value, key: string) => boolean): void
  clear(): void
}

/** A bounded cache that changes invalidate: callers of one missing key share one load; failures are not kept. */
export function createCachedLookup<Value>(options: CachedLookupOptions): CachedLookup<Value> {
  const now = options.now ?? Date.now
  const entries = new Map<string, { value: Value; until: number }>()
  const loading = new Map<string, Promise<Value>>()
  let generation = 0

  async function loadAndKeep(key: string, load: () => Promise<Value>): Promise<Value> {
    const startedIn = generation
    const value = await load()
    if (startedIn === generation && options.listener.connected()) {
      if (entries.size >= options.entriesMax) entries.delete(entries.keys().next().value as string)
      entries.set(key, { value, until: now() + options.ttlMs })
    }
    return value
  }

  function invalidate(): void {
    generation++
    loading.clear()
  }

  return {
    async get(key, load) {
      const entry = entries.get(key)
      if (entry !== undefined && entry.until > now() && options.listener.connected()) return entry.value
      let promise = loading.get(key)
      if (promise === undefined) {
        promise = loadAndKeep(key, load)
        loading.set(key, promise)
        const done = () => {
          if (loading.get(key) === promise) loading.delete(key)
        }
        promise.then(done, done)
      }
      return promise
    },
    forget(matches) {
      invalidate()
      for (const [key, entry] of entries) if (matches(entry.value, key)) entries.delete(key)
    },
    clear() {
      invalidate()
      entries.clear()
    },
  }
}
