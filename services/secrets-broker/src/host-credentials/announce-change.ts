import { hostCredentialEventKey, hostCredentialTopics } from '@opsconductor/contracts'
import { publishEvent } from '@opsconductor/events'
import type pg from 'pg'
import type { HostCredentialKey } from './store.ts'

/** Tells every process that remembers the credential to forget it, when the transaction commits. */
export const announceChange = (client: pg.PoolClient, key: HostCredentialKey): Promise<void> =>
  publishEvent(client, {
    topic: hostCredentialTopics.changed,
    key: hostCredentialEventKey(key),
  })
