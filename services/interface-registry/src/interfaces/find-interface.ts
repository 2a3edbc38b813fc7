import { type Caller, projectOf } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { type InterfaceRecord, selectInterface } from './store.ts'

/** An interface of the caller's project; another project's does not exist for the caller. */
export async function findInterface(
  { prisma }: Pick<Deps, 'prisma'>,
  caller: Caller,
  id: string,
): Promise<InterfaceRecord> {
  const found = await selectInterface(prisma, projectOf(caller), id)
  if (found === undefined) throw new AppError('not_found', 'There is no such interface.')
  return found
}
