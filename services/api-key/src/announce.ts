import { apiKeyTopics } from '@opsconductor/contracts'
import { publishEvent } from '@opsconductor/events'
import type { Prisma } from './generated/client.ts'

type Transaction = Pick<Prisma.TransactionClient, '$executeRawUnsafe' | 'apiKey'>

const executeIn = (tx: Pick<Transaction, '$executeRawUnsafe'>) => (sql: string, parameter: string) =>
  tx.$executeRawUnsafe(sql, parameter)

/** Tells every process, when `tx` commits, to forget what it remembers of the key. */
export async function announceKey(tx: Pick<Transaction, '$executeRawUnsafe'>, keyId: string): Promise<void> {
  await publishEvent(executeIn(tx), { topic: apiKeyTopics.keyChanged, key: keyId })
}

/** The same of a person, and of their keys: what a key opens depends on what its maker may do. */
export async function announceMember(tx: Transaction, userId: string): Promise<void> {
  await publishEvent(executeIn(tx), { topic: apiKeyTopics.memberChanged, key: userId })
  for (const { id } of await tx.apiKey.findMany({ where: { userId }, select: { id: true } }))
    await announceKey(tx, id)
}
