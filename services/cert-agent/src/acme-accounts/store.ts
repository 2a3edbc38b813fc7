import { isForeignKeyViolation, isUniqueViolation } from '@opsconductor/database'
import { AppError } from '@opsconductor/errors'
import { pageArguments } from '@opsconductor/service-kit'
import type { Prisma, PrismaClient } from '../generated/client.ts'

export type StoredAcmeAccount = Prisma.AcmeAccountGetPayload<object>
export type NewAcmeAccount = Pick<
  StoredAcmeAccount,
  | 'id'
  | 'projectId'
  | 'name'
  | 'directoryUrl'
  | 'stagingDirectoryUrl'
  | 'contactEmail'
  | 'preferredChain'
  | 'credentialId'
  | 'isDefault'
  | 'createdBy'
>
export type AcmeAccountFields = Partial<
  Pick<
    StoredAcmeAccount,
    'name' | 'contactEmail' | 'preferredChain' | 'stagingDirectoryUrl' | 'stagingCredentialId' | 'isDefault'
  >
>

const accountsMax = 100

export function createAcmeAccountStore(prisma: PrismaClient) {
  const find = async (projectId: string, id: string): Promise<StoredAcmeAccount | undefined> =>
    (await prisma.acmeAccount.findFirst({ where: { projectId, id } })) ?? undefined

  return {
    find,

    /** Newest first; one more than the page holds. */
    list: (projectId: string, page: { limit: number; cursor?: string | undefined }) =>
      prisma.acmeAccount.findMany({ where: { projectId }, ...pageArguments(page) }),

    /** Throws `conflict` where the name is taken, or the project has as many as it may have. */
    async assertRoomFor(projectId: string, name: string): Promise<void> {
      if ((await prisma.acmeAccount.count({ where: { projectId, name } })) > 0) throw nameIsTaken()
      if ((await prisma.acmeAccount.count({ where: { projectId } })) >= accountsMax)
        throw new AppError(
          'conflict',
          `The project has ${accountsMax} accounts, which is the most it may have.`,
        )
    },

    /** As the project's default it takes the place of the one that was. Throws `conflict` where the name is taken. */
    insert: (account: NewAcmeAccount): Promise<StoredAcmeAccount> =>
      named(() =>
        prisma.$transaction(async (tx) => {
          if (account.isDefault) await unsetDefault(tx, account.projectId)
          return tx.acmeAccount.create({ data: account })
        }),
      ),

    /** What is left out stays. */
    update: (
      { id, projectId }: Pick<StoredAcmeAccount, 'id' | 'projectId'>,
      fields: AcmeAccountFields,
    ): Promise<StoredAcmeAccount> =>
      named(() =>
        prisma.$transaction(async (tx) => {
          if (fields.isDefault === true) await unsetDefault(tx, projectId)
          return tx.acmeAccount.update({ where: { id }, data: { ...fields, updatedAt: new Date() } })
        }),
      ),

    /** Until then the CA is not asked for anything. */
    async block(id: string, until: Date): Promise<void> {
      await prisma.acmeAccount.updateMany({ where: { id }, data: { blockedUntil: until } })
    },

    isUsed: async (id: string): Promise<boolean> =>
      (await prisma.certificate.count({ where: { acmeAccountId: id } })) > 0,

    /** Throws `conflict` while a certificate names it. */
    async remove(id: string): Promise<void> {
      try {
        await prisma.acmeAccount.deleteMany({ where: { id } })
      } catch (error) {
        if (isForeignKeyViolation(error)) throw accountIsUsed()
        throw error
      }
    },
  }
}

export const accountIsUsed = (): AppError =>
  new AppError('conflict', 'Certificates are issued by this account; give them another one first.')

const unsetDefault = (tx: Prisma.TransactionClient, projectId: string) =>
  tx.acmeAccount.updateMany({ where: { projectId, isDefault: true }, data: { isDefault: false } })

async function named<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (isUniqueViolation(error)) throw nameIsTaken()
    if (isForeignKeyViolation(error)) throw new AppError('not_found', 'There is no such project (any more).')
    throw error
  }
}

const nameIsTaken = (): AppError =>
  new AppError('conflict', 'The project has an account of this name, or another default, already.', {
    errors: [{ path: 'body.name', message: 'is taken' }],
  })
