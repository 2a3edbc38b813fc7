import { apiKeyTopics } from '@opsconductor/contracts'
import { publishEvent } from '@opsconductor/events'
import type { Prisma } from './generated/client.ts'

type Transaction = Pick<Prisma.TransactionClient, '$executeRawUnsafe'>

const announce = (tx: Transaction, topic: string, key: string): Promise<void> =>
  publishEvent((sql, parameter) => tx.$executeRawUnsafe(sql, parameter), { topic, key })

/** Tells every process, when `tx` commits, to forget what it remembers of the key. */
export const announceKey = (tx: Transaction, keyId: string) => announce(tx, apiKeyTopics.keyChanged, keyId)

/** The same of a person, and of their keys: what a key opens depends on what its maker may do. */
export const announceMember = (tx: Transaction, userId: string) =>
  announce(tx, apiKeyTopics.memberChanged, userId)

export const announceProjectDeleted = (tx: Transaction, projectId: string) =>
  announce(tx, apiKeyTopics.projectDeleted, projectId)
