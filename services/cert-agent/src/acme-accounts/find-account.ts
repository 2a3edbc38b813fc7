import { type Caller, projectOf } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import type { StoredAcmeAccount } from './store.ts'

export async function findAccount(
  { acmeAccounts }: Pick<Deps, 'acmeAccounts'>,
  caller: Caller,
  id: string,
): Promise<StoredAcmeAccount> {
  const account = await acmeAccounts.find(projectOf(caller), id)
  if (account === undefined) throw new AppError('not_found', 'There is no such account.')
  return account
}
