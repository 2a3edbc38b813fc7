import type { Memberships, Role } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type pg from 'pg'
import { announceMember } from '../announce.ts'
import type { Prisma, PrismaClient } from '../generated/client.ts'

export interface Member {
  projectId: string
  userId: string
  email: string
  displayName: string
  role: Role
  createdAt: Date
}

/** The members of one project while nobody else can change them. */
export interface MemberChanges {
  roleOf(userId: string): Promise<Role | undefined>
  otherOwners(userId: string): Promise<number>
  /** Throws `not_found` where there is no such user. */
  put(userId: string, role: Role): Promise<Member>
  /** Ends the membership; the member's keys of the project are revoked for good. */
  remove(userId: string): Promise<void>
}

const withUser = { include: { user: { select: { email: true, displayName: true } } } } as const
type Row = Prisma.ProjectMemberGetPayload<typeof withUser>

const toMember = (row: Row): Member => ({
  projectId: row.projectId,
  userId: row.userId,
  email: row.user.email,
  displayName: row.user.displayName,
  role: row.role as Role,
  createdAt: row.createdAt,
})

export type MemberStore = ReturnType<typeof createMemberStore>

export function createMemberStore(prisma: PrismaClient, pool: pg.Pool) {
  return {
    /** Members by user id; `cursor` is the last one of the page before. */
    async list(projectId: string, page: { limit: number; cursor?: string | undefined }): Promise<Member[]> {
      const rows = await prisma.projectMember.findMany({
        where: { projectId, ...(page.cursor === undefined ? {} : { userId: { gt: page.cursor } }) },
        orderBy: { userId: 'asc' },
        take: page.limit + 1,
        ...withUser,
      })
      return rows.map(toMember)
    },

    change: <T>(projectId: string, work: (members: MemberChanges) => Promise<T>): Promise<T> =>
      prisma.$transaction(async (tx) => {
        await tx.$queryRaw`SELECT 1 FROM api_key.projects WHERE id = ${projectId}::uuid FOR NO KEY UPDATE`
        return work(memberChanges(tx, projectId))
      }),

    /** undefined for an unknown or inactive user. Hot: asked by every service for every request of a person. */
    async membershipsOf(userId: string): Promise<Memberships | undefined> {
      const { rows } = await pool.query<{ admin: boolean; project_id: string | null; role: Role }>({
        name: 'memberships',
        text: `SELECT u.is_platform_admin AS admin, m.project_id, m.role
                 FROM api_key.users u LEFT JOIN api_key.project_members m ON m.user_id = u.id
                WHERE u.id = $1 AND u.is_active`,
        values: [userId],
      })
      const first = rows[0]
      if (first === undefined) return undefined
      return {
        is_platform_admin: first.admin,
        items: rows.flatMap(({ project_id, role }) => (project_id === null ? [] : [{ project_id, role }])),
      }
    },

    /** Whether an active owner or admin of the one project belongs to the other. */
    async hasCommonMember(projectId: string, otherProjectId: string): Promise<boolean> {
      const found = await prisma.projectMember.findFirst({
        where: {
          projectId,
          role: { in: ['owner', 'admin'] },
          user: { isActive: true, memberships: { some: { projectId: otherProjectId } } },
        },
        select: { userId: true },
      })
      return found !== null
    },
  }
}

function memberChanges(tx: Prisma.TransactionClient, projectId: string): MemberChanges {
  const at = (userId: string) => ({ projectId_userId: { projectId, userId } })
  return {
    roleOf: async (userId) =>
      (await tx.projectMember.findUnique({ where: at(userId), select: { role: true } }))?.role as
        | Role
        | undefined,
    otherOwners: (userId) =>
      tx.projectMember.count({ where: { projectId, role: 'owner', userId: { not: userId } } }),
    async put(userId, role) {
      if ((await tx.user.findUnique({ where: { id: userId }, select: { id: true } })) === null)
        throw new AppError('not_found', 'There is no such user.')
      const row = await tx.projectMember.upsert({
        where: at(userId),
        create: { projectId, userId, role },
        update: { role },
        ...withUser,
      })
      await announceMember(tx, userId)
      return toMember(row)
    },
    async remove(userId) {
      await tx.projectMember.delete({ where: at(userId) })
      await tx.apiKey.updateMany({ where: { userId, projectId, isActive: true }, data: { isActive: false } })
      await announceMember(tx, userId)
    },
  }
}
