import {
  type Authenticate,
  createAuthenticator,
  createKeyVerifier,
  createSessionVerifier,
  type KeyVerifier,
} from '@opsconductor/auth'
import {
  apiKeyTopics,
  jwksEndpoint,
  type KeyVerification,
  listMembershipsEndpoint,
  type Memberships,
  reportKeyUseEndpoint,
  verifyKeyEndpoint,
} from '@opsconductor/contracts'
import { type ChangeEvent, createCachedLookup, type EventListener } from '@opsconductor/events'
import type { JSONWebKeySet } from 'jose'
import type { InternalClient } from './internal-client.ts'
import type { Logger } from './log.ts'

export interface ServiceAuth {
  authenticate: Authenticate
  keys: KeyVerifier
  /** Give it every event of the service's listener, and tell it of gaps. */
  onEvent(event: ChangeEvent): void
  onGap(): void
  stop(): Promise<void>
}

/** A revocation arrives as an event within milliseconds; this bounds the harm should one ever be lost. */
const keyTtlMs = 30_000
const membershipTtlMs = 1_000

/** Knows callers by asking api-key, and remembers its answers only while changes reach this process. */
export function createServiceAuth(options: {
  internal: InternalClient
  listener: () => EventListener
  log: Logger
}): ServiceAuth {
  const { internal, log } = options
  const listener = { connected: () => options.listener().connected() }
  const keyCache = createCachedLookup<KeyVerification>({ ttlMs: keyTtlMs, entriesMax: 10_000, listener })
  const memberCache = createCachedLookup<Memberships>({
    ttlMs: membershipTtlMs,
    entriesMax: 10_000,
    listener,
  })
  const keys = createKeyVerifier({
    cache: keyCache,
    verify: (key) => internal.call(verifyKeyEndpoint, { key }),
    reportUse: (items) => internal.call(reportKeyUseEndpoint, { items }),
    onReportError: (error) => log.warn({ err: error }, 'the use of API keys could not be reported'),
  })
  return {
    keys,
    authenticate: createAuthenticator({
      keys,
      verifySession: createSessionVerifier(() => internal.call(jwksEndpoint, {}) as Promise<JSONWebKeySet>),
      memberships: (userId) =>
        memberCache.get(userId, () => internal.call(listMembershipsEndpoint, { user_id: userId })),
    }),
    onEvent({ topic, key }) {
      // A refused key may have become valid, so refusals go with any change.
      if (topic === apiKeyTopics.keyChanged)
        keyCache.forget((answer) => !answer.valid || answer.key_id === key)
      if (topic === apiKeyTopics.memberChanged) {
        memberCache.forget((_, userId) => userId === key)
        keyCache.forget((answer) => !answer.valid || answer.user_id === key)
      }
    },
    onGap() {
      keyCache.clear()
      memberCache.clear()
    },
    stop: () => keys.stop(),
  }
}
