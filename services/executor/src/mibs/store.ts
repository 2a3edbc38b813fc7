import { randomUUID } from 'node:crypto'
import { mibTopics, type PageQuery } from '@opsconductor/contracts'
import { publishEvent } from '@opsconductor/events'
import { pageArguments } from '@opsconductor/service-kit'
import type { Prisma, PrismaClient } from '../generated/client.ts'

export interface ListedMibRecord {
  id: string
  name: string
  imports: string[]
  objectCount: number
  createdAt: Date
  updatedAt: Date
}
export type MibRecord = ListedMibRecord & { text: string }

export interface NewMib {
  projectId: string
  name: string
  text: string
  imports: string[]
  objectCount: number
  by: string
}

export type MibStore = ReturnType<typeof createMibStore>

const listed = { id: true, name: true, imports: true, objectCount: true, createdAt: true, updatedAt: true }

/** The modules of projects. Whatever changes them announces that in the same transaction. */
export function createMibStore(prisma: PrismaClient) {
  const announce = (tx: Prisma.TransactionClient, projectId: string) =>
    publishEvent((sql, ...values) => tx.$executeRawUnsafe(sql, ...values), {
      topic: mibTopics.mibsChanged,
      key: projectId,
    })
  return {
    /** Every text, in the order of the names. */
    texts: (projectId: string): Promise<{ name: string; text: string }[]> =>
      prisma.mibModule.findMany({
        where: { projectId },
        select: { name: true, text: true },
        orderBy: { name: 'asc' },
      }),

    list: (projectId: string, query: PageQuery): Promise<ListedMibRecord[]> =>
      prisma.mibModule.findMany({ where: { projectId }, select: listed, ...pageArguments(query) }),

    find: (projectId: string, name: string): Promise<MibRecord | null> =>
      prisma.mibModule.findUnique({ where: { projectId_name: { projectId, name } } }),

    /** A module of that name is replaced. */
    async put({ projectId, name, by, ...rest }: NewMib): Promise<MibRecord> {
      const data = { ...rest, updatedBy: by, updatedAt: new Date() }
      return await prisma.$transaction(async (tx) => {
        const row = await tx.mibModule.upsert({
          where: { projectId_name: { projectId, name } },
          create: { id: randomUUID(), projectId, name, ...data },
          update: data,
        })
        await announce(tx, projectId)
        return row
      })
    },

    /** Whether there was one. */
    delete: (projectId: string, name: string): Promise<boolean> =>
      prisma.$transaction(async (tx) => {
        const { count } = await tx.mibModule.deleteMany({ where: { projectId, name } })
        if (count > 0) await announce(tx, projectId)
        return count > 0
      }),
  }
}
