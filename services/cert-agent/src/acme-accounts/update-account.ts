import type { Caller } from '@opsconductor/auth'
import type { UpdateAcmeAccount } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { AcmeDeps } from '../acme/open-transport.ts'
import { assertMayChange } from '../client-limits/assert-may-manage.ts'
import type { Deps } from '../deps.ts'
import { asOperation } from './as-operation.ts'
import { assertMaySetDefault } from './assert-may-set-default.ts'
import { findAccount } from './find-account.ts'
import { openAccount } from './open-account.ts'
import type { AcmeAccountFields, StoredAcmeAccount } from './store.ts'

/** Another contact is told to the CA first. Another staging directory gets an account when it is needed. */
export async function updateAccount(
  deps: AcmeDeps & Pick<Deps, 'acmeAccounts' | 'clientLimits' | 'operations' | 'audit'>,
  caller: Caller,
  id: string,
  request: z.infer<typeof UpdateAcmeAccount>,
  signal: AbortSignal,
): Promise<StoredAcmeAccount> {
  const account = await findAccount(deps, caller, id)
  await assertMayChange(deps, caller, account)
  if (request.is_default === true) await assertMaySetDefault(deps, caller)
  return asOperation(deps, caller, { action: 'update', accountId: id, signal }, async (work) => {
    const { contact_email: contactEmail, staging_directory_url: stagingDirectoryUrl } = request
    if (contactEmail !== undefined && contactEmail !== account.contactEmail) {
      const acme = await openAccount(deps, account, work)
      await acme.changeContact(contactEmail).finally(() => acme.close())
    }
    const isStagingNew =
      stagingDirectoryUrl !== undefined && stagingDirectoryUrl !== account.stagingDirectoryUrl
    const fields: AcmeAccountFields = {
      ...(request.name === undefined ? {} : { name: request.name }),
      ...(contactEmail === undefined ? {} : { contactEmail }),
      ...(request.preferred_chain === undefined ? {} : { preferredChain: request.preferred_chain }),
      ...(isStagingNew ? { stagingDirectoryUrl, stagingCredentialId: null } : {}),
      ...(request.is_default === undefined ? {} : { isDefault: request.is_default }),
    }
    return deps.acmeAccounts.update(account, fields)
  })
}
