import { refuseTaken } from '@opsconductor/database'
import { pageArguments } from '@opsconductor/service-kit'
import { announceMember, announceProjectDeleted } from '../announce.ts'
import type { PrismaClient } from '../generated/client.ts'

export interface Project {
  id: string
  name: string
  createdAt: Date
  updatedAt: Date
}

export type ProjectStore = ReturnType<typeof createProjectStore>

export function createProjectStore(prisma: PrismaClient) {
  return {
    /** Makes the project with `ownerId` as its first owner; throws `conflict` where the name is taken. */
    async create({ name, ownerId }: { name: string; ownerId: string }): Promise<Project> {
      return prisma
        .$transaction(async (tx) => {
          const project = await tx.project.create({
            data: { name, members: { create: { userId: ownerId, role: 'owner' } } },
          })
          await announceMember(tx, ownerId)
          return project
        })
        .catch(refuseTaken('There is a project with this name already.'))
    },
    /** With all rows that name it by a foreign key: not the executor's record of jobs and runs. False where there is none. */
    async remove(id: string): Promise<boolean> {
      return await prisma.$transaction(async (tx) => {
        const members = await tx.projectMember.findMany({
          where: { projectId: id },
          select: { userId: true },
        })
        const { count } = await tx.project.deleteMany({ where: { id } })
        if (count === 0) return false
        for (const { userId } of members) await announceMember(tx, userId)
        await announceProjectDeleted(tx, id)
        return true
      })
    },
    find: (id: string): Promise<Project | null> => prisma.project.findUnique({ where: { id } }),
    listOf: (userId: string, page: { limit: number; cursor?: string | undefined }): Promise<Project[]> =>
      prisma.project.findMany({ ...pageArguments(page), where: { members: { some: { userId } } } }),
  }
}
