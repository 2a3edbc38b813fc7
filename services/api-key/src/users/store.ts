import { refuseTaken } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import { pageArguments } from '@opsconductor/service-kit'
import { announceMember } from '../announce.ts'
import type { Prisma, PrismaClient } from '../generated/client.ts'

export interface User {
  id: string
  email: string
  displayName: string
  isActive: boolean
  isPlatformAdmin: boolean
  createdAt: Date
  updatedAt: Date
}
export interface NewUser {
  email: string
  displayName: string
  passwordHash: string
  isPlatformAdmin: boolean
}
export type UserChanges = Partial<{
  displayName: string
  passwordHash: string
  isActive: boolean
  isPlatformAdmin: boolean
}>

const shown = {
  id: true,
  email: true,
  displayName: true,
  isActive: true,
  isPlatformAdmin: true,
  createdAt: true,
  updatedAt: true,
} as const

/** Serialises what depends on the set of platform administrators: the first one is made once, the last one stays. */
const lockAdministrators = (tx: Prisma.TransactionClient) =>
  tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('api_key.platform_admins'))`

export type UserStore = ReturnType<typeof createUserStore>

export function createUserStore(prisma: PrismaClient) {
  return {
    async create(user: NewUser): Promise<User> {
      return prisma.user
        .create({ data: user, select: shown })
        .catch(refuseTaken('There is a user with this e-mail already.', { path: 'body.email' }))
    },
    /** Makes `user` the first of all; undefined where there are users already. */
    createFirst: (user: NewUser): Promise<User | undefined> =>
      prisma.$transaction(async (tx) => {
        await lockAdministrators(tx)
        if ((await tx.user.findFirst({ select: { id: true } })) !== null) return undefined
        return tx.user.create({ data: user, select: shown })
      }),
    isEmpty: async (): Promise<boolean> => (await prisma.user.findFirst({ select: { id: true } })) === null,
    find: (id: string): Promise<User | null> => prisma.user.findUnique({ where: { id }, select: shown }),
    findForSignIn: (email: string) =>
      prisma.user.findUnique({
        where: { email },
        select: { id: true, passwordHash: true, isActive: true },
      }),
    list: (page: { limit: number; cursor?: string | undefined }): Promise<User[]> =>
      prisma.user.findMany({ ...pageArguments(page), select: shown }),
    /**
     * Answers the changed user, undefined where there is none. Where `endSessions` is set their sessions end with it.
     * Throws `conflict` rather than leave the platform without an active administrator.
     */
    update: (id: string, changes: UserChanges, options: { endSessions: boolean; now: Date }) =>
      prisma.$transaction(async (tx): Promise<User | undefined> => {
        await lockAdministrators(tx)
        const before = await tx.user.findUnique({ where: { id }, select: shown })
        if (before === null) return undefined
        const after = await tx.user.update({ where: { id }, data: changes, select: shown })
        const lost = before.isActive && before.isPlatformAdmin && !(after.isActive && after.isPlatformAdmin)
        if (lost && (await tx.user.count({ where: { isActive: true, isPlatformAdmin: true } })) === 0)
          throw new AppError('conflict', 'This is the last active platform administrator.')
        if (options.endSessions)
          await tx.session.updateMany({
            where: { userId: id, revokedAt: null },
            data: { revokedAt: options.now },
          })
        await announceMember(tx, id)
        return after
      }),
  }
}
