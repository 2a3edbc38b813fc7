import type { Caller } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import type { AcmeDeps } from '../acme/open-transport.ts'
import { acmeTypeOf } from '../acme/problem.ts'
import { assertMayChange } from '../client-limits/assert-may-manage.ts'
import type { Deps } from '../deps.ts'
import { type AccountWork, asOperation } from './as-operation.ts'
import { findAccount } from './find-account.ts'
import { openAccount } from './open-account.ts'
import { accountIsUsed, type StoredAcmeAccount } from './store.ts'

type AccountDeps = AcmeDeps & Pick<Deps, 'acmeAccounts' | 'clientLimits' | 'operations' | 'audit'>

/** Deactivates the account at its CA and at the CA's staging, for ever, and forgets it. Its keys stay with the broker. */
export async function deleteAccount(
  deps: AccountDeps,
  caller: Caller,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const account = await findAccount(deps, caller, id)
  await assertMayChange(deps, caller, account)
  if (await deps.acmeAccounts.isUsed(id)) throw accountIsUsed()
  await asOperation(deps, caller, { action: 'delete', accountId: id, signal }, async (work) => {
    // First the row: a certificate that names the account meanwhile must not find it dead at the CA.
    await deps.acmeAccounts.remove(id)
    await deactivate(deps, account, work)
    const { stagingDirectoryUrl: directoryUrl, stagingCredentialId: credentialId } = account
    if (directoryUrl !== null && credentialId !== null)
      await deactivate(deps, { ...account, directoryUrl, credentialId }, work)
  })
}

/** A CA that is gone must not keep an account from being deleted. */
async function deactivate(
  deps: AccountDeps,
  account: StoredAcmeAccount,
  { projectId, operationId, actor, signal }: AccountWork,
): Promise<void> {
  const row = { projectId, operationId, actor, action: 'acme.deactivate' }
  const detail = { acme_account_id: account.id, directory_url: account.directoryUrl }
  try {
    const acme = await openAccount(deps, account, { operationId, signal })
    await acme.deactivate().finally(() => acme.close())
    await deps.audit.record({ ...row, outcome: 'succeeded', detail })
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    await deps.audit.record({
      ...{ ...row, outcome: 'failed' },
      detail: { ...detail, code: error.code, acme_type: acmeTypeOf(error) ?? null },
    })
  }
}
