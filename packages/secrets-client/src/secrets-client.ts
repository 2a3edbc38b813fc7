import {
  type HostCredentialLookupResult,
  hostCredentialEventKey,
  hostCredentialTopics,
} from '@opsconductor/contracts'
import { type ChangeEvent, createCachedLookup, type EventListener } from '@opsconductor/events'
import { SecretValue } from '@opsconductor/redact'
import type { InternalClient } from '@opsconductor/service-kit'
import { createLookupQueue } from './lookup-queue.ts'
import { openEntry, type SealedEntry, sealEntry, wipeEntry } from './sealed-entry.ts'

export interface HostCredentialKey {
  host: string
  purpose: string
  /** Which account, where the host has several for the purpose. */
  label?: string
  /** For which project; without one, only the platform's own are found. */
  projectId?: string
}

export type LentHostCredential =
  | {
      found: true
      username: string | null
      password: SecretValue | null
      domain: string | null
      /** The seed's `additional_data`, as JSON text: it may be as secret as the password. */
      additionalData: SecretValue
    }
  | { found: false; reason: 'not_found' | 'decryption_failed' }

export interface SecretsClientOptions {
  internal: Pick<InternalClient, 'call'>
  /** The service's listener; hand its events and gaps to `onEvent` and `onGap`. */
  listener: Pick<EventListener, 'connected'>
  /** For so long a credential is used without asking, unless a change of it is told of before. */
  ttlMs: number
  entriesMax: number
  now?: () => number
}

export interface SecretsClient {
  /** Throws `service_unavailable` where the broker does not answer and nothing is remembered. */
  lookup(key: HostCredentialKey): Promise<LentHostCredential>
  /** The same for many: what is not remembered is asked for in one request (per project and hundred). */
  lookupAll(keys: readonly HostCredentialKey[]): Promise<LentHostCredential[]>
  onEvent(event: ChangeEvent): void
  onGap(): void
  /** Forgets and overwrites everything. */
  close(): void
}

/**
 * Lends host credentials from the broker and remembers them: while changes reach this process, for at most `ttlMs`, at
 * most `entriesMax`. The broker logs each lookup that reaches it, not each use of what is remembered. What is not found
 * or does not open is not remembered.
 *
 * A remembered secret is kept as bytes, which are overwritten when it is dropped. The strings that it arrived in and is
 * lent as cannot be overwritten in JavaScript: they are gone when the garbage collector has been there.
 */
export function createSecretsClient(options: SecretsClientOptions): SecretsClient {
  const cache = createCachedLookup<SealedEntry<Content>>({
    ...options,
    // Whoever was given it in this turn of the event loop still reads it in this turn.
    onDrop: (entry) => setImmediate(wipeEntry, entry),
  })
  const ask = createLookupQueue(options.internal)
  // Otherwise what nobody asks for again would stay in memory.
  const timer = setInterval(() => cache.dropExpired(), options.ttlMs).unref()

  async function lookup(key: HostCredentialKey): Promise<LentHostCredential> {
    const { host, purpose, label = '', projectId = null } = key
    const cacheKey = JSON.stringify([hostCredentialEventKey({ host, purpose, label }), projectId])
    try {
      const entry = await cache.get(cacheKey, async () => {
        const result = await ask({ host, purpose, label }, projectId)
        if (!result.found) throw new NotLent(result.reason)
        return sealEntry(contentOf(result))
      })
      return lend(openEntry(entry))
    } catch (error) {
      if (error instanceof NotLent) return { found: false, reason: error.reason }
      throw error
    }
  }

  return {
    lookup,
    lookupAll: (keys) => Promise.all(keys.map(lookup)),
    onEvent({ topic, key }) {
      if (topic === hostCredentialTopics.changed)
        cache.forget((_, cacheKey) => (JSON.parse(cacheKey) as string[])[0] === key)
    },
    onGap: () => cache.clear(),
    close() {
      clearInterval(timer)
      cache.clear()
    },
  }
}

/** A failed load is not remembered. */
class NotLent extends Error {
  readonly reason: 'not_found' | 'decryption_failed'

  constructor(reason: 'not_found' | 'decryption_failed') {
    super(reason)
    this.reason = reason
  }
}

interface Content {
  username: string | null
  password: string | null
  domain: string | null
  additionalData: string
}

const contentOf = (result: HostCredentialLookupResult & { found: true }): Content => ({
  username: result.username,
  password: result.password,
  domain: result.domain,
  additionalData: JSON.stringify(result.additional_data),
})

const lend = ({ password, additionalData, ...open }: Content): LentHostCredential => ({
  found: true,
  ...open,
  password: password === null ? null : new SecretValue(password),
  additionalData: new SecretValue(additionalData),
})
