import type { EventListener } from './listen.ts'

export interface CachedLookupOptions<Value = unknown> {
  /** Not asked for longer than this, even if no event came. */
  ttlMs: number
  entriesMax: number
  /** Values are cached only while changes reach us. */
  listener: Pick<EventListener, 'connected'>
  /** Told of each value that was kept and is not any more, in the same moment. */
  onDrop?(value: Value): void
  now?: () => number
}

export interface CachedLookup<Value> {
  get(key: string, load: () => Promise<Value>): Promise<Value>
  /** Forgets every entry whose value matches. A load under way is not kept either. */
  forget(matches: (value: Value, key: string) => boolean): void
  clear(): void
  /** Drops what is over its time, which is otherwise kept until its key is asked for or its place is needed. */
  dropExpired(): void
}

/** A bounded cache that changes invalidate: callers of one missing key share one load; failures are not kept. */
export function createCachedLookup<Value>(options: CachedLookupOptions<Value>): CachedLookup<Value> {
  const now = options.now ?? Date.now
  const entries = new Map<string, { value: Value; until: number }>()
  const loading = new Map<string, Promise<Value>>()
  let generation = 0

  async function loadAndKeep(key: string, load: () => Promise<Value>): Promise<Value> {
    const startedIn = generation
    const value = await load()
    if (startedIn === generation && options.listener.connected()) {
      drop(key)
      if (entries.size >= options.entriesMax) drop(entries.keys().next().value as string)
      entries.set(key, { value, until: now() + options.ttlMs })
    }
    return value
  }

  function drop(key: string): void {
    const entry = entries.get(key)
    if (entry !== undefined && entries.delete(key)) options.onDrop?.(entry.value)
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
      for (const [key, entry] of entries) if (matches(entry.value, key)) drop(key)
    },
    clear() {
      invalidate()
      for (const key of entries.keys()) drop(key)
    },
    dropExpired() {
      for (const [key, { until }] of entries) if (until <= now()) drop(key)
    },
  }
}
