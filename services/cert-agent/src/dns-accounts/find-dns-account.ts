import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import type { StoredDnsAccount } from './store.ts'

export async function findDnsAccount(
  { dnsAccounts }: Pick<Deps, 'dnsAccounts'>,
  projectId: string,
  id: string,
): Promise<StoredDnsAccount> {
  const account = await dnsAccounts.find(projectId, id)
  if (account === null) throw unknownDnsAccount()
  return account
}

export const unknownDnsAccount = () => new AppError('not_found', 'There is no such DNS account.')
