import type { Prisma, PrismaClient } from '../generated/client.ts'

export type StoredDeployment = Prisma.DeploymentGetPayload<object>

/** The wishes: which version should be on which server, and which operation sees to it. */
export function createDeploymentStore(prisma: PrismaClient) {
  return {
    /**
     * The certificate's newest version is wished on the servers, and the operation sees to it from now on. One that is newer
     * than whoever asks knows stays wished.
     */
    wish: (
      tx: Prisma.TransactionClient,
      { certificateId, operationId }: { certificateId: string; operationId: string },
      serverIds: readonly string[],
    ): Promise<number> => tx.$executeRaw`
      INSERT INTO cert_agent.deployments AS d (project_id, certificate_id, server_id, desired_version, operation_id)
      SELECT c.project_id, c.id, s.id, c.version, ${operationId}::uuid
      FROM cert_agent.certificates c JOIN cert_agent.servers s ON s.project_id = c.project_id
      WHERE c.id = ${certificateId}::uuid AND s.id = ANY(${[...serverIds]}::uuid[])
      ORDER BY s.id
      ON CONFLICT (certificate_id, server_id) DO UPDATE SET
        desired_version = greatest(d.desired_version, excluded.desired_version), operation_id = excluded.operation_id,
        state = 'pending', attempts = 0, retry_at = NULL, updated_at = now()`,

    /** Of the operation, as far as no later one has taken its place. */
    listOfOperation: (operationId: string): Promise<StoredDeployment[]> =>
      prisma.deployment.findMany({ where: { operationId }, orderBy: { id: 'asc' } }),

    find: async (id: string): Promise<StoredDeployment | undefined> =>
      (await prisma.deployment.findUnique({ where: { id } })) ?? undefined,

    listOfCertificate: (certificateId: string): Promise<StoredDeployment[]> =>
      prisma.deployment.findMany({ where: { certificateId }, orderBy: { createdAt: 'asc' } }),

    /** Tried again then, unless the operation's place was taken. */
    async postpone(
      { id, operationId }: { id: string; operationId: string },
      {
        attempts,
        retryAt,
        error,
      }: { attempts: number; retryAt: Date | null; error?: Prisma.InputJsonObject },
    ): Promise<void> {
      await prisma.deployment.updateMany({
        where: { id, operationId },
        data: {
          ...{ attempts, retryAt, updatedAt: new Date() },
          ...(error === undefined ? {} : { state: 'failed', lastError: error }),
        },
      })
    },

    /** The operation has ended: what it saw to is not tried again by itself. */
    async release(operationId: string): Promise<void> {
      await prisma.deployment.updateMany({
        where: { operationId },
        data: { operationId: null, retryAt: null, updatedAt: new Date() },
      })
    },

    /**
     * No virtual host of the server names the certificate any more: nobody could see whether it is served. Answers the
     * operations that saw to it.
     */
    async forgetUnnamed(of: { certificateId: string; serverId: string }): Promise<string[]> {
      const rows = await prisma.$queryRaw<{ operationId: string | null }[]>`
        DELETE FROM cert_agent.deployments d
        WHERE certificate_id = ${of.certificateId}::uuid AND server_id = ${of.serverId}::uuid AND NOT EXISTS (
          SELECT FROM cert_agent.vhosts v WHERE v.certificate_id = d.certificate_id AND v.server_id = d.server_id)
        RETURNING operation_id AS "operationId"`
      return rows.flatMap(({ operationId }) => operationId ?? [])
    },

    /** When the certificate that is live there ends, where one is. */
    async liveUntil({ certificateId, liveVersion }: StoredDeployment): Promise<Date | undefined> {
      if (liveVersion === null) return undefined
      const version = await prisma.certificateVersion.findUnique({
        where: { certificateId_version: { certificateId, version: liveVersion } },
      })
      return version?.notAfter
    },

    /** Servers on which a virtual host names one of the certificates. */
    async serversNaming(...certificateIds: string[]): Promise<string[]> {
      const rows = await prisma.vhost.findMany({
        where: { certificateId: { in: certificateIds } },
        distinct: ['serverId'],
        select: { serverId: true },
      })
      return rows.map(({ serverId }) => serverId)
    },
  }
}
