import { createCachedLookup, type EventListener } from '@opsconductor/events'
import type pg from 'pg'
import { type CallTarget, selectTarget } from './store.ts'

/** An event says that an interface changed; this bounds the harm should one ever be lost. */
const ttlMs = 30_000

export interface CallTargets {
  /** What a hash leads to; throws `not_found`. Unknown hashes are not remembered, so they cannot push out known ones. */
  find(hash: string): Promise<CallTarget>
  forget(hash: string): void
  clear(): void
}

export function createCallTargets(pool: pg.Pool, listener: () => EventListener): CallTargets {
  const cache = createCachedLookup<CallTarget>({
    ttlMs,
    entriesMax: 2_000,
    listener: { connected: () => listener().connected() },
  })
  return {
    find: (hash) => cache.get(hash, () => selectTarget(pool, hash)),
    forget: (changed) => cache.forget((_, hash) => hash === changed),
    clear: () => cache.clear(),
  }
}
