import type { Deps } from '../deps.ts'
import { unknownDnsAccount } from './find-dns-account.ts'
import type { StoredDnsAccount } from './store.ts'

/** Throws `conflict` where a certificate names it. */
export async function deleteDnsAccount(
  { dnsAccounts, audit }: Pick<Deps, 'dnsAccounts' | 'audit'>,
  { projectId, id }: Pick<StoredDnsAccount, 'projectId' | 'id'>,
  by: string,
): Promise<void> {
  if (!(await dnsAccounts.remove(projectId, id))) throw unknownDnsAccount()
  await audit.record({
    ...{ projectId, actor: by, action: 'dns-account.delete', outcome: 'succeeded' },
    detail: { dns_account_id: id },
  })
}
