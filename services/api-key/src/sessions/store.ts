import type { Prisma, PrismaClient } from '../generated/client.ts'

export interface NewSession {
  userId: string
  /** The hash that the password was checked against. */
  passwordHash: string
  tokenHash: string
  expiresAt: Date
}

/** What became of a refresh token that was shown. */
export type Rotation =
  | { outcome: 'rotated'; userId: string; expiresAt: Date }
  /** It had been used before: whoever holds the family may be a thief, so the whole family was ended. */
  | { outcome: 'reused'; userId: string; familyId: string }
  | { outcome: 'refused' }

const withActivity = { include: { user: { select: { isActive: true } } } } as const
type Row = Prisma.SessionGetPayload<typeof withActivity>

export type SessionStore = ReturnType<typeof createSessionStore>

export function createSessionStore(prisma: PrismaClient, newId: () => string) {
  return {
    /**
     * Starts a family; what has expired of the user's old ones is cleared away. False where the password or the
     * activity changed since they were checked.
     */
    create: ({ passwordHash, ...session }: NewSession, now: Date): Promise<boolean> =>
      prisma.$transaction(async (tx) => {
        const locked = await tx.$queryRaw<unknown[]>`
          SELECT 1 FROM api_key.users
           WHERE id = ${session.userId}::uuid AND is_active AND password_hash = ${passwordHash}
             FOR NO KEY UPDATE`
        if (locked.length === 0) return false
        await tx.session.deleteMany({ where: { userId: session.userId, expiresAt: { lte: now } } })
        await tx.session.create({ data: { ...session, familyId: newId() } })
        return true
      }),

    /** Replaces the token by the next of its family. */
    rotate: (tokenHash: string, nextHash: string, now: Date): Promise<Rotation> =>
      prisma.$transaction(async (tx) => {
        const shown = await findLocked(tx, tokenHash)
        if (shown === null || shown.revokedAt !== null) return { outcome: 'refused' }
        const { id, userId, familyId, expiresAt } = shown
        if (shown.rotatedAt !== null) {
          await endFamily(tx, familyId, now)
          return { outcome: 'reused', userId, familyId }
        }
        if (expiresAt <= now || !shown.user.isActive) return { outcome: 'refused' }
        await tx.session.update({ where: { id }, data: { rotatedAt: now } })
        await tx.session.create({ data: { userId, familyId, expiresAt, tokenHash: nextHash } })
        return { outcome: 'rotated', userId, expiresAt }
      }),

    /** Ends the token's family; answers whose it was, undefined where there was nothing to end. */
    end: (tokenHash: string, now: Date): Promise<string | undefined> =>
      prisma.$transaction(async (tx) => {
        const shown = await findLocked(tx, tokenHash)
        if (shown === null || shown.revokedAt !== null) return undefined
        await endFamily(tx, shown.familyId, now)
        return shown.userId
      }),
  }
}

/**
 * The token's row. The user's row is locked first, so that everything that makes or ends sessions of one user happens
 * one after the other: no token born in a race outlives the end of its family, a sign-out or a new password.
 */
async function findLocked(tx: Prisma.TransactionClient, tokenHash: string): Promise<Row | null> {
  await tx.$queryRaw`
    SELECT 1 FROM api_key.users u JOIN api_key.sessions s ON s.user_id = u.id
     WHERE s.token_hash = ${tokenHash} FOR NO KEY UPDATE OF u`
  return tx.session.findUnique({ where: { tokenHash }, ...withActivity })
}

const endFamily = (tx: Prisma.TransactionClient, familyId: string, now: Date) =>
  tx.session.updateMany({ where: { familyId, revokedAt: null }, data: { revokedAt: now } })
