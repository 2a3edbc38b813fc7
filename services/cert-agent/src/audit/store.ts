import type { ListAudit } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { Prisma, PrismaClient } from '../generated/client.ts'

export interface NewAuditRow {
  projectId: string
  actor: string
  /** As `certificate.issue`, `ssh.command`, `acme.order`. */
  action: string
  outcome: 'succeeded' | 'failed' | 'refused'
  operationId?: string | undefined
  certificateId?: string | undefined
  serverId?: string | undefined
  /** Free of secrets. */
  detail?: Prisma.InputJsonObject
}

export type StoredAuditRow = Prisma.AuditRowGetPayload<object>

/** Each action through the API, over SSH and at a CA (004.LOG-1, LOG-4). */
export function createAuditStore(prisma: PrismaClient) {
  return {
    /** In a transaction, with what it is about. */
    async record(row: NewAuditRow, tx: Pick<Prisma.TransactionClient, 'auditRow'> = prisma): Promise<void> {
      await tx.auditRow.create({ data: { ...row, detail: row.detail ?? {} } })
    },

    /** Newest first, one more than `limit` where there are more. */
    async list(
      projectId: string,
      { limit, cursor, ...of }: z.infer<typeof ListAudit>,
    ): Promise<StoredAuditRow[]> {
      return await prisma.auditRow.findMany({
        where: {
          projectId,
          ...(cursor === undefined ? {} : { id: { lt: cursor } }),
          ...(of.operation_id === undefined ? {} : { operationId: of.operation_id }),
          ...(of.certificate_id === undefined ? {} : { certificateId: of.certificate_id }),
          ...(of.server_id === undefined ? {} : { serverId: of.server_id }),
        },
        orderBy: { id: 'desc' },
        take: limit + 1,
      })
    },
  }
}

export type AuditStore = ReturnType<typeof createAuditStore>
