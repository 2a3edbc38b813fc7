import { credentialTopics } from '@opsconductor/contracts'
import { publishEvent } from '@opsconductor/events'
import type pg from 'pg'

/** Tells every process, when the transaction commits, that what it knows of the credential is old. */
export const announceCredential = (client: pg.PoolClient, id: string): Promise<void> =>
  publishEvent(client, {
    topic: credentialTopics.credentialChanged,
    key: id,
  })
