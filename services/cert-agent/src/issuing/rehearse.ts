import { randomUUID } from 'node:crypto'
import { toAppError } from '@opsconductor/errors'
import type { Acme } from '../acme/open-acme.ts'
import type { AcmeDeps } from '../acme/open-transport.ts'
import { acmeTypeOf } from '../acme/problem.ts'
import { credentialNameOf } from '../acme-accounts/credential-name.ts'
import { openAccount } from '../acme-accounts/open-account.ts'
import { registerAccount } from '../acme-accounts/register-account.ts'
import type { StoredAcmeAccount } from '../acme-accounts/store.ts'
import type { StoredCertificate } from '../certificates/store.ts'
import type { Deps } from '../deps.ts'
import { auditOf } from './keep-version.ts'
import type { KeyWork } from './key-of-version.ts'
import { isKeyType, makeKey } from './make-key.ts'
import { createOrder, type OrderWork, runOrder } from './run-order.ts'

/** How many failures in a row it takes until the CA is not asked before its staging has said yes. */
export const failuresBeforeRehearsal = 2

type RehearsalDeps = AcmeDeps & Pick<Deps, 'operations' | 'acmeAccounts' | 'audit'>
type AccountWithStaging = StoredAcmeAccount & { stagingDirectoryUrl: string }
type Work = Omit<OrderWork, 'key'> & KeyWork

/**
 * The whole order at the CA's staging, with a key that is thrown away: what fails there uses up none of the CA's limits.
 * What ails staging itself says nothing of the names: it is noted, and the CA is asked all the same.
 */
export async function rehearse(
  deps: RehearsalDeps,
  account: AccountWithStaging,
  certificate: StoredCertificate,
  work: Work,
): Promise<void> {
  work.onProgress('rehearsing')
  let isOrdered = false
  let acme: Acme | undefined
  try {
    acme = await openThere(deps, account, work)
    const order = await orderThere(acme, certificate, work)
    isOrdered = true
    await runOrder(acme, order, {
      ...work,
      onProgress: () => {},
      key: () => makeKey(isKeyType(certificate.keyType) ? certificate.keyType : 'ec-p256'),
    })
  } catch (error) {
    work.signal.throwIfAborted()
    if (isVerdict(error, isOrdered)) throw error
    if (acmeTypeOf(error) === 'accountDoesNotExist')
      await deps.acmeAccounts.update(account, { stagingCredentialId: null })
    await deps.audit.record({
      ...{ ...auditOf(certificate, work), action: 'acme.rehearse', outcome: 'failed' },
      detail: { directory_url: account.stagingDirectoryUrl, code: toAppError(error).code },
    })
  } finally {
    await acme?.close()
  }
}

/** Whether it is to do with the names, and the CA itself would come to the same. */
function isVerdict(error: unknown, isOrdered: boolean): boolean {
  const type = acmeTypeOf(error)
  if (type === undefined) return isOrdered
  return isOrdered ? !ownTroubles.has(type) : ofNames.has(type)
}

/** What a CA may have against an order before anything is shown that is to do with its names. */
const ofNames = new Set(['caa', 'compound', 'rejectedIdentifier', 'unsupportedIdentifier'])
/** What goes wrong later, and is to do with the CA. */
const ownTroubles = new Set(['', 'badNonce', 'orderNotReady', 'rateLimited', 'serverInternal'])

/** Where the account has no account at staging yet it gets one. */
async function openThere(deps: RehearsalDeps, account: AccountWithStaging, work: Work): Promise<Acme> {
  const credentialId = account.stagingCredentialId ?? (await registerThere(deps, account, work))
  const { projectId, stagingDirectoryUrl: directoryUrl } = account
  return openAccount(deps, { projectId, directoryUrl, credentialId, preferredChain: null }, work)
}

async function orderThere(acme: Acme, { profile }: StoredCertificate, { names }: Work) {
  const profiles = (await acme.directory()).meta?.profiles ?? {}
  // Not every staging has every profile.
  return createOrder(acme, names, {
    profile: profile !== null && Object.hasOwn(profiles, profile) ? profile : undefined,
  })
}

async function registerThere(
  deps: RehearsalDeps,
  account: AccountWithStaging,
  { operationId, actor, signal }: KeyWork,
): Promise<string> {
  const credentialId = randomUUID()
  await registerAccount(deps, {
    ...{ projectId: account.projectId, operationId, actor, signal, credentialId },
    credentialName: credentialNameOf(`${account.name} staging`, credentialId),
    directoryUrl: account.stagingDirectoryUrl,
    contactEmail: account.contactEmail,
  })
  await deps.acmeAccounts.update(account, { stagingCredentialId: credentialId })
  return credentialId
}
