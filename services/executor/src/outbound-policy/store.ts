import { executorTopics, OutboundPolicy } from '@opsconductor/contracts'
import { publishEvent } from '@opsconductor/events'
import type { PrismaClient } from '../generated/client.ts'

export function createOutboundPolicyStore(prisma: PrismaClient) {
  return {
    /** A project that never set a policy has opened nothing. */
    async find(projectId: string): Promise<OutboundPolicy> {
      const row = await prisma.outboundPolicy.findUnique({ where: { projectId } })
      return row === null ? { allow: [] } : OutboundPolicy.parse(row.policy)
    },

    /** Replaces the policy and announces it in the same transaction. */
    async put(projectId: string, policy: OutboundPolicy, by: string): Promise<void> {
      const data = { policy, updatedBy: by, updatedAt: new Date() }
      await prisma.$transaction(async (tx) => {
        await tx.outboundPolicy.upsert({
          where: { projectId },
          create: { projectId, ...data },
          update: data,
        })
        await publishEvent((sql, ...values) => tx.$executeRawUnsafe(sql, ...values), {
          topic: executorTopics.outboundPolicyChanged,
          key: projectId,
        })
      })
    },
  }
}
