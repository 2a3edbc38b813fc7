import type { PrismaClient } from '../generated/client.ts'
import { certificateWithin } from './certificate-within.ts'

/** SEC-3: the API keys that may manage only some of a project's servers. */
export function createClientLimitStore(prisma: PrismaClient) {
  return {
    /** Undefined where the key may manage all. */
    async find(projectId: string, apiKeyId: string): Promise<readonly string[] | undefined> {
      const row = await prisma.clientLimit.findUnique({
        where: { projectId_apiKeyId: { projectId, apiKeyId } },
      })
      return row?.serverIds
    },

    /** Null lifts the limit. */
    async put(
      projectId: string,
      apiKeyId: string,
      serverIds: readonly string[] | null,
      by: string,
    ): Promise<void> {
      if (serverIds === null) {
        await prisma.clientLimit.deleteMany({ where: { projectId, apiKeyId } })
        return
      }
      const data = { serverIds: [...serverIds], updatedBy: by, updatedAt: new Date() }
      await prisma.clientLimit.upsert({
        where: { projectId_apiKeyId: { projectId, apiKeyId } },
        create: { projectId, apiKeyId, ...data },
        update: data,
      })
    },

    /** Whether a certificate is, or is to be, on one of the servers, or is made by `by`. */
    async concerns(
      certificateId: string,
      { projectId, serverIds, by }: { projectId: string; serverIds: readonly string[]; by: string },
    ): Promise<boolean> {
      const where = { id: certificateId, projectId, ...certificateWithin({ serverIds, by }) }
      return (await prisma.certificate.count({ where })) === 1
    },
  }
}
