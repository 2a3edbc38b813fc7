import type { deploymentStates } from '@opsconductor/contracts'
import { Prisma, type PrismaClient } from '../generated/client.ts'

export type DeploymentState = (typeof deploymentStates)[number]

/** A virtual host of the server that names the certificate. */
export type DeployedVhost = Pick<
  Prisma.VhostGetPayload<object>,
  'id' | 'names' | 'probeHost' | 'probePort' | 'configFile' | 'template'
>
export type DeployedVersion = Prisma.CertificateVersionGetPayload<object>

/** What is wished as it is now, with all that it takes. */
export interface WishedDeployment {
  id: string
  projectId: string
  certificateId: string
  serverId: string
  desiredVersion: number
  liveVersion: number | null
  /** That failed, since the version was wished. */
  attempts: number
  /** As people call them. */
  certificateName: string
  serverName: string
  credentialId: string | null
  version: DeployedVersion | undefined
  vhosts: DeployedVhost[]
}

/** What a deployment works on, and how far it is; nothing where its server was removed meanwhile. */
export function createDeployingStore(prisma: PrismaClient) {
  const findVersion = async (certificateId: string, version: number): Promise<DeployedVersion | undefined> =>
    (await prisma.certificateVersion.findUnique({
      where: { certificateId_version: { certificateId, version } },
    })) ?? undefined
  return {
    findVersion,

    async findServerOf(id: string): Promise<string | undefined> {
      return (await prisma.deployment.findUnique({ where: { id }, select: { serverId: true } }))?.serverId
    },

    async findWished(id: string): Promise<WishedDeployment | undefined> {
      const row = await prisma.deployment.findUnique({
        where: { id },
        include: {
          certificate: { select: { name: true, credentialId: true } },
          server: { select: { name: true } },
        },
      })
      if (row === null) return undefined
      const { projectId, certificateId, serverId, desiredVersion, liveVersion, attempts } = row
      const [version, vhosts] = await Promise.all([
        findVersion(certificateId, desiredVersion),
        prisma.vhost.findMany({ where: { certificateId, serverId }, orderBy: { id: 'asc' } }),
      ])
      const { name: certificateName, credentialId } = row.certificate
      return {
        ...{ id, projectId, certificateId, serverId, desiredVersion, liveVersion, attempts },
        ...{ certificateName, serverName: row.server.name },
        ...{ credentialId, version, vhosts },
      }
    },

    async setState(id: string, state: DeploymentState): Promise<void> {
      await prisma.deployment.updateMany({ where: { id }, data: { state, updatedAt: new Date() } })
    },

    /** Every probe has seen the version. Where another was wished meanwhile there is more to do. */
    async setLive({ id, desiredVersion }: WishedDeployment): Promise<void> {
      await prisma.$executeRaw`
        UPDATE cert_agent.deployments
        SET live_version = ${desiredVersion}, last_error = NULL, retry_at = NULL, updated_at = now(),
          state = CASE WHEN desired_version = ${desiredVersion} THEN 'live' ELSE 'pending' END
        WHERE id = ${id}::uuid`
    },

    /**
     * `liveVersion`: what the probes saw after the roll-back; left out where nobody knows more than before. Where another
     * operation sees to the deployment by now, that is all which is written.
     */
    async setFailed(
      { id, operationId }: { id: string; operationId: string },
      lastError: { code: string; message: string; at: string },
      liveVersion?: number,
    ): Promise<void> {
      const isOurs = Prisma.sql`(operation_id IS NULL OR operation_id = ${operationId}::uuid)`
      await prisma.$executeRaw`
        UPDATE cert_agent.deployments
        SET live_version = coalesce(${liveVersion ?? null}, live_version), updated_at = now(),
          state = CASE WHEN ${isOurs} THEN 'failed' ELSE 'pending' END,
          last_error = CASE WHEN ${isOurs} THEN ${JSON.stringify(lastError)}::jsonb ELSE last_error END
        WHERE id = ${id}::uuid`
    },
  }
}
