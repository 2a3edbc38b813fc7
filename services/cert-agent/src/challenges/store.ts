import { AppError } from '@opsconductor/errors'
import type { PrismaClient } from '../generated/client.ts'

/** Long enough for a CA that validates late; a row that is left over is of no use to anybody. */
const keptMs = 3_600_000

/** Challenges of http-01 that the gateway's static route asks us for. */
export function createHttpChallengeStore(prisma: PrismaClient) {
  return {
    /** May be repeated. A token is the CA's choice: one that stands for another answer stays what it is. */
    async put(token: string, keyAuthorization: string, now: Date): Promise<void> {
      const expiresAt = new Date(now.getTime() + keptMs)
      await prisma.httpChallenge.deleteMany({ where: { token, expiresAt: { lt: now } } })
      const made = await prisma.httpChallenge.createMany({
        data: [{ token, keyAuthorization, expiresAt }],
        skipDuplicates: true,
      })
      if (made.count === 1) return
      const { count } = await prisma.httpChallenge.updateMany({
        where: { token, keyAuthorization },
        data: { expiresAt },
      })
      if (count === 0)
        throw new AppError('conflict', 'The CA gave a token that stands for another challenge.')
    },

    async find(token: string, now: Date): Promise<string | undefined> {
      const row = await prisma.httpChallenge.findFirst({ where: { token, expiresAt: { gte: now } } })
      return row?.keyAuthorization
    },

    async remove(token: string, keyAuthorization: string): Promise<void> {
      await prisma.httpChallenge.deleteMany({ where: { token, keyAuthorization } })
    },

    async removeExpired(now: Date): Promise<void> {
      await prisma.httpChallenge.deleteMany({ where: { expiresAt: { lt: now } } })
    },
  }
}
