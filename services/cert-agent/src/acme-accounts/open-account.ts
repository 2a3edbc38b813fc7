import { AppError } from '@opsconductor/errors'
import { SecretValue } from '@opsconductor/redact'
import { type Acme, openAcme } from '../acme/open-acme.ts'
import type { AcmeDeps } from '../acme/open-transport.ts'
import { borrowCredential } from '../credentials/borrow-credential.ts'
import type { Deps } from '../deps.ts'
import type { StoredAcmeAccount } from './store.ts'

/** A registered account at its CA, with the key that the broker lends to the operation. */
export async function openAccount(
  deps: AcmeDeps & Pick<Deps, 'operations'>,
  account: Pick<StoredAcmeAccount, 'projectId' | 'directoryUrl' | 'credentialId' | 'preferredChain'>,
  { operationId, signal }: { operationId: string; signal: AbortSignal },
): Promise<Acme> {
  const { projectId, directoryUrl, credentialId, preferredChain } = account
  await deps.operations.nameCredentials(operationId, [credentialId])
  const { secret, extra } = await borrowCredential(
    deps,
    { projectId, operationId, reference: credentialId, taken: ['acme_account'] },
    signal,
  )
  if (secret.private_key === undefined || typeof extra.account_url !== 'string')
    throw new AppError('step_failed', 'The credential of the account is of another account, or of none.')
  return openAcme(deps, {
    projectId,
    directoryUrl,
    preferredChain,
    account: { key: new SecretValue(secret.private_key), url: extra.account_url },
    signal,
  })
}
