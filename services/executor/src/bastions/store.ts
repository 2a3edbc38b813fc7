import type { PageQuery } from '@opsconductor/contracts'
import { refuseTaken } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import { pageArguments } from '@opsconductor/service-kit'
import type { Prisma, PrismaClient } from '../generated/client.ts'

export type BastionRecord = Prisma.BastionGetPayload<object>
export type BastionFields = Pick<BastionRecord, 'name' | 'host' | 'port' | 'credential' | 'description'>

const bastionsMax = 500

export function createBastionStore(prisma: PrismaClient) {
  return {
    async insert(projectId: string, fields: BastionFields, by: string): Promise<BastionRecord> {
      if ((await prisma.bastion.count({ where: { projectId } })) >= bastionsMax)
        throw new AppError(
          'conflict',
          `The project has ${bastionsMax} bastions, which is the most it may have.`,
        )
      return prisma.bastion
        .create({ data: { projectId, ...fields, createdBy: by, updatedBy: by } })
        .catch(refuseTakenName)
    },

    /** What is undefined stays. Undefined where the project has no such bastion. */
    async update(
      { projectId, id }: { projectId: string; id: string },
      fields: { [Field in keyof BastionFields]?: BastionFields[Field] | undefined },
      by: string,
    ): Promise<BastionRecord | undefined> {
      const data = {
        ...fields,
        updatedBy: by,
        updatedAt: new Date(),
      } as Prisma.BastionUpdateManyMutationInput
      const rows = await prisma.bastion
        .updateManyAndReturn({ where: { projectId, id }, data })
        .catch(refuseTakenName)
      return rows[0]
    },

    /** Whether there was one. */
    async remove(projectId: string, id: string): Promise<boolean> {
      return (await prisma.bastion.deleteMany({ where: { projectId, id } })).count === 1
    },

    find: (projectId: string, id: string): Promise<BastionRecord | null> =>
      prisma.bastion.findFirst({ where: { projectId, id } }),

    /** Those of the names that the project has. */
    findNamed: (projectId: string, names: readonly string[]): Promise<BastionRecord[]> =>
      prisma.bastion.findMany({ where: { projectId, name: { in: [...names] } } }),

    /** Newest first; one more than the page holds. */
    list: (projectId: string, page: PageQuery): Promise<BastionRecord[]> =>
      prisma.bastion.findMany({ where: { projectId }, ...pageArguments(page) }),
  }
}

export type BastionStore = ReturnType<typeof createBastionStore>

const refuseTakenName = refuseTaken('The project has a bastion of this name already.')
