import type { PageQuery } from '@opsconductor/contracts'
import { refuseTaken } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import { pageArguments } from '@opsconductor/service-kit'
import type { Prisma, PrismaClient } from '../generated/client.ts'

export type StoredDnsAccount = Prisma.DnsAccountGetPayload<object>

export interface DnsAccountFields {
  name: string
  settings: Prisma.InputJsonObject
  credentialId: string
}

const accountsMax = 200

export function createDnsAccountStore(prisma: PrismaClient) {
  return {
    async insert(
      projectId: string,
      fields: DnsAccountFields & { provider: string },
      createdBy: string,
    ): Promise<StoredDnsAccount> {
      if ((await prisma.dnsAccount.count({ where: { projectId } })) >= accountsMax)
        throw new AppError(
          'conflict',
          `The project has ${accountsMax} DNS accounts, which is the most it may have.`,
        )
      return prisma.dnsAccount.create({ data: { projectId, ...fields, createdBy } }).catch(refuseTakenName)
    },

    /** What is undefined stays. Undefined where the project has no such account. */
    async update(
      { projectId, id }: { projectId: string; id: string },
      {
        name,
        settings,
        credentialId,
      }: { [Field in keyof DnsAccountFields]?: DnsAccountFields[Field] | undefined },
    ): Promise<StoredDnsAccount | undefined> {
      const data = {
        ...(name !== undefined && { name }),
        ...(settings !== undefined && { settings }),
        ...(credentialId !== undefined && { credentialId }),
        updatedAt: new Date(),
      }
      const rows = await prisma.dnsAccount
        .updateManyAndReturn({ where: { projectId, id }, data })
        .catch(refuseTakenName)
      return rows[0]
    },

    /** Whether there was one. `id` as the row has it: in JSON it is compared by letters. Throws `conflict` where a certificate names it. */
    async remove(projectId: string, id: string): Promise<boolean> {
      const challenges = { array_contains: [{ dns_account_id: id }] }
      if ((await prisma.certificate.count({ where: { projectId, challenges } })) > 0)
        throw new AppError('conflict', 'A certificate shows control over its names with this DNS account.')
      return (await prisma.dnsAccount.deleteMany({ where: { projectId, id } })).count === 1
    },

    find: (projectId: string, id: string): Promise<StoredDnsAccount | null> =>
      prisma.dnsAccount.findFirst({ where: { projectId, id } }),

    findMany: (projectId: string, ids: readonly string[]): Promise<StoredDnsAccount[]> =>
      prisma.dnsAccount.findMany({ where: { projectId, id: { in: [...ids] } } }),

    /** Newest first; one more than the page holds. */
    list: (projectId: string, page: PageQuery): Promise<StoredDnsAccount[]> =>
      prisma.dnsAccount.findMany({ where: { projectId }, ...pageArguments(page) }),
  }
}

const refuseTakenName = refuseTaken('The project has a DNS account of this name already.')
