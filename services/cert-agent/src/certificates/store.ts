import type { ListCertificates } from '@opsconductor/contracts'
import { refuseTaken } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import { pageArguments } from '@opsconductor/service-kit'
import type { z } from 'zod'
import { type ClientLimit, certificateWithin } from '../client-limits/certificate-within.ts'
import { Prisma, type PrismaClient } from '../generated/client.ts'
import type { NewVersion } from './describe-version.ts'

export type StoredCertificate = Prisma.CertificateGetPayload<object>
const whole = {
  certificateVersions: { orderBy: { version: 'desc' as const }, take: 100 },
  deployments: { orderBy: [{ createdAt: 'asc' as const }, { id: 'asc' as const }] },
} satisfies Prisma.CertificateInclude
export type WholeCertificate = Prisma.CertificateGetPayload<{ include: typeof whole }>
export type StoredVersion = Prisma.CertificateVersionGetPayload<object>
export type CertificateFields = Partial<
  Pick<
    StoredCertificate,
    | 'name'
    | 'names'
    | 'source'
    | 'keyType'
    | 'keyMadeOn'
    | 'profile'
    | 'acmeAccountId'
    | 'autoRenew'
    | 'rotateKey'
  >
> & { challenges?: Prisma.InputJsonValue }
export type NewCertificate = Prisma.CertificateUncheckedCreateInput

const dayMs = 86_400_000

export function createCertificateStore(prisma: PrismaClient) {
  return {
    /** The virtual hosts name it from now on. Throws `conflict` where the name is taken. */
    async insert(
      certificate: NewCertificate,
      vhostIds: readonly string[],
      within?: Prisma.TransactionClient,
    ): Promise<StoredCertificate> {
      const write = async (tx: Prisma.TransactionClient) => {
        const created = await tx.certificate.create({ data: certificate })
        await letName(tx, created, vhostIds)
        return created
      }
      return (within === undefined ? prisma.$transaction(write) : write(within)).catch(refuseTakenName)
    },

    find: async (projectId: string, id: string): Promise<StoredCertificate | undefined> =>
      (await prisma.certificate.findFirst({ where: { projectId, id } })) ?? undefined,

    findById: async (id: string): Promise<StoredCertificate | undefined> =>
      (await prisma.certificate.findUnique({ where: { id } })) ?? undefined,

    findNamed: async (projectId: string, name: string): Promise<StoredCertificate | undefined> =>
      (await prisma.certificate.findFirst({ where: { projectId, name } })) ?? undefined,

    /** `limit`: those of them that the key sees. */
    findAll: (projectId: string, ids: readonly string[], limit?: ClientLimit): Promise<StoredCertificate[]> =>
      prisma.certificate.findMany({
        where: {
          ...{ projectId, id: { in: [...ids] } },
          ...(limit === undefined ? {} : certificateWithin(limit)),
        },
      }),

    /** With its versions, newest first, and its deployments. */
    findWhole: async (projectId: string, id: string): Promise<WholeCertificate | undefined> =>
      (await prisma.certificate.findFirst({ where: { projectId, id }, include: whole })) ?? undefined,

    findVersion: async (certificateId: string, version: number): Promise<StoredVersion | undefined> =>
      (await prisma.certificateVersion.findUnique({
        where: { certificateId_version: { certificateId, version } },
      })) ?? undefined,

    /** Newest first; one more than the page holds. */
    list(
      projectId: string,
      query: z.infer<typeof ListCertificates>,
      now: Date,
      limit: ClientLimit | undefined,
    ): Promise<StoredCertificate[]> {
      const { limit: take, cursor, name, state, expiring_within_days: days, server_id: serverId } = query
      const notLive = { liveVersion: { not: { equals: prisma.deployment.fields.desiredVersion } } }
      const isNotLive: Prisma.DeploymentWhereInput = { OR: [{ liveVersion: null }, notLive] }
      return prisma.certificate.findMany({
        where: {
          projectId,
          ...(cursor === undefined ? {} : { NOT: { id: cursor } }),
          ...(name === undefined ? {} : { name }),
          ...(state === undefined ? {} : { state }),
          ...(days === undefined ? {} : { notAfter: { lte: new Date(now.getTime() + days * dayMs) } }),
          AND: [
            ...(limit === undefined ? [] : [certificateWithin(limit)]),
            ...(serverId === undefined
              ? []
              : [{ OR: [{ deployments: { some: { serverId } } }, { vhosts: { some: { serverId } } }] }]),
            ...(query.not_live === undefined
              ? []
              : [{ deployments: query.not_live ? { some: isNotLive } : { none: isNotLive } }]),
          ],
        },
        ...pageArguments({ limit: take, cursor }),
        // The cursor's row may have left the list meanwhile: then the next one must not be skipped for it.
        skip: 0,
      })
    },

    /** Throws `conflict` where the name is taken. */
    update: (id: string, fields: CertificateFields): Promise<StoredCertificate> =>
      prisma.certificate
        .update({ where: { id }, data: definedOnly({ ...fields, updatedAt: new Date() }) })
        .catch(refuseTakenName),

    /** Throws `conflict` while a virtual host names it. */
    async remove(id: string): Promise<void> {
      await prisma.$transaction(async (tx) => {
        // Whoever lets a virtual host name it waits for this, and then finds it gone.
        await tx.$executeRaw`SELECT FROM cert_agent.certificates WHERE id = ${id}::uuid FOR UPDATE`
        const vhosts = await tx.vhost.count({ where: { certificateId: id } })
        if (vhosts > 0)
          throw new AppError(
            'conflict',
            `${vhosts} virtual hosts name the certificate; take it from them first.`,
          )
        await tx.deployment.deleteMany({ where: { certificateId: id } })
        await tx.certificate.deleteMany({ where: { id } })
      })
    },

    /** The next version, which is the newest from then on; virtual hosts that are given name it. */
    addVersion: (
      {
        id,
        credentialId,
        ...changed
      }: { id: string; credentialId: string } & Pick<CertificateFields, 'names' | 'keyType'>,
      version: NewVersion & { acmeAccountId?: string | null },
      vhostIds: readonly string[] = [],
    ): Promise<StoredCertificate> =>
      prisma.$transaction(async (tx) => {
        const certificate = await tx.certificate.update({
          where: { id },
          data: {
            ...{ credentialId, version: { increment: 1 }, notAfter: version.notAfter, state: 'valid' },
            ...{ ...definedOnly(changed), failures: 0, updatedAt: new Date() },
            ...{ lastError: Prisma.DbNull, renewalInfo: Prisma.DbNull, orderUnderWay: Prisma.DbNull },
          },
        })
        await tx.certificateVersion.create({
          data: { certificateId: id, version: certificate.version, ...version },
        })
        await letName(tx, certificate, vhostIds)
        return certificate
      }),

    /** The virtual hosts name it from now on. */
    async nameInVhosts(
      certificate: StoredCertificate,
      vhostIds: readonly string[],
    ): Promise<StoredCertificate> {
      await letName(prisma, certificate, vhostIds)
      return certificate
    },

    async markRevoked(
      id: string,
      version: number,
      { at, reason }: { at: Date; reason: number },
    ): Promise<void> {
      await prisma.certificateVersion.updateMany({
        where: { certificateId: id, version, revokedAt: null },
        data: { revokedAt: at, revocationReason: reason },
      })
    },

    /** Where in its life it is, as far as no version says so. */
    setState: (id: string, data: Prisma.CertificateUncheckedUpdateManyInput): Promise<unknown> =>
      prisma.certificate.updateMany({ where: { id }, data }),

    /** What the CA has made of it is of no use: the next attempt begins anew. */
    forgetOrder: (id: string): Promise<unknown> =>
      prisma.certificate.updateMany({ where: { id }, data: { orderUnderWay: Prisma.DbNull } }),

    /** When its newest versions were made, the newest first. */
    async listIssuedAt(certificateId: string, limit: number): Promise<Date[]> {
      const rows = await prisma.certificateVersion.findMany({
        where: { certificateId },
        orderBy: { version: 'desc' },
        take: limit,
        select: { createdAt: true },
      })
      return rows.map(({ createdAt }) => createdAt)
    },

    /** It is not renewed by itself. */
    unsetRenewal: (id: string): Promise<unknown> =>
      prisma.certificate.updateMany({ where: { id }, data: { renewAt: null } }),

    /** When the version is followed by the next, unless it has been already, or is not to be any more. */
    setRenewal: (
      { id, version }: Pick<StoredCertificate, 'id' | 'version'>,
      data: { renewAt: Date; renewalInfo: Prisma.InputJsonObject },
    ): Promise<unknown> =>
      prisma.certificate.updateMany({ where: { id, version, state: 'valid', autoRenew: true }, data }),

    /** Those to renew that nothing is under way for; to be taken again from `again` on, by whichever process. */
    async takeDue(now: Date, again: Date, limit: number): Promise<StoredCertificate[]> {
      const rows = await prisma.$queryRaw<{ id: string }[]>`
        UPDATE cert_agent.certificates SET renew_at = ${again}
        WHERE id IN (
          SELECT id FROM cert_agent.certificates c
          WHERE renew_at <= ${now} AND NOT EXISTS (
            SELECT FROM cert_agent.operations o
            WHERE o.certificate_id = c.id AND o.kind IN ('issue', 'renew') AND o.state IN ('queued', 'running'))
          ORDER BY renew_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)
        RETURNING id`
      return prisma.certificate.findMany({ where: { id: { in: rows.map(({ id }) => id) } } })
    },

    /** Those whose CA is to be asked again when they should be renewed; likewise. */
    takeToAsk: (now: Date, again: Date, limit: number): Promise<{ id: string }[]> =>
      prisma.$queryRaw<{ id: string }[]>`
        UPDATE cert_agent.certificates
        SET renewal_info = jsonb_set(renewal_info, '{ask_again_at}', to_jsonb(${again.toISOString()}::text))
        WHERE id IN (
          SELECT id FROM cert_agent.certificates
          WHERE (renewal_info ->> 'ask_again_at')::timestamptz <= ${now} AND renew_at IS NOT NULL
          LIMIT ${limit} FOR UPDATE SKIP LOCKED)
        RETURNING id`,

    async findDefaultAccount(projectId: string): Promise<string | undefined> {
      const account = await prisma.acmeAccount.findFirst({ where: { projectId, isDefault: true } })
      return account?.id
    },

    /** Which of them the project does not have. */
    async missing(
      projectId: string,
      kind: 'acmeAccounts' | 'dnsAccounts' | 'servers' | 'vhosts',
      ids: readonly string[],
    ): Promise<Set<string>> {
      if (ids.length === 0) return new Set()
      const query = { where: { projectId, id: { in: [...ids] } }, select: { id: true } }
      const found = await {
        acmeAccounts: () => prisma.acmeAccount.findMany(query),
        dnsAccounts: () => prisma.dnsAccount.findMany(query),
        servers: () => prisma.server.findMany(query),
        vhosts: () => prisma.vhost.findMany(query),
      }[kind]()
      const known = new Set(found.map(({ id }) => id))
      return new Set(ids.filter((id) => !known.has(id)))
    },

    /** The names of the virtual hosts that name the certificate. */
    async namesOfVhosts(id: string): Promise<string[]> {
      const rows = await prisma.vhost.findMany({ where: { certificateId: id }, select: { names: true } })
      return rows.flatMap(({ names }) => names)
    },

    /** The servers of the virtual hosts. */
    async serversOfVhosts(ids: readonly string[]): Promise<string[]> {
      const rows = await prisma.vhost.findMany({
        where: { id: { in: [...ids] } },
        select: { serverId: true },
      })
      return [...new Set(rows.map(({ serverId }) => serverId))]
    },
  }
}

async function letName(
  tx: Prisma.TransactionClient,
  { id, projectId }: StoredCertificate,
  vhostIds: readonly string[],
): Promise<void> {
  if (vhostIds.length === 0) return
  await tx.vhost.updateMany({
    where: { projectId, id: { in: [...vhostIds] } },
    data: { certificateId: id, updatedAt: new Date() },
  })
}

const definedOnly = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T

const refuseTakenName = refuseTaken('The project has a certificate of this name already.')
