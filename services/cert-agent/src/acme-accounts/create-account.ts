import { randomUUID } from 'node:crypto'
import { type Caller, callerLabel, projectOf } from '@opsconductor/auth'
import type { CreateAcmeAccount } from '@opsconductor/contracts'
import { SecretValue } from '@opsconductor/redact'
import type { z } from 'zod'
import type { AcmeDeps } from '../acme/open-transport.ts'
import type { Deps } from '../deps.ts'
import { asOperation } from './as-operation.ts'
import { assertMaySetDefault } from './assert-may-set-default.ts'
import { credentialNameOf } from './credential-name.ts'
import { registerAccount } from './register-account.ts'
import type { StoredAcmeAccount } from './store.ts'

/** Registers an account at a CA. Its key is made here, kept by the broker, and in no answer. */
export async function createAccount(
  deps: AcmeDeps & Pick<Deps, 'acmeAccounts' | 'clientLimits' | 'operations' | 'audit'>,
  caller: Caller,
  request: z.infer<typeof CreateAcmeAccount>,
  signal: AbortSignal,
): Promise<StoredAcmeAccount> {
  const { name, external_account: external } = request
  const [id, credentialId] = [randomUUID(), randomUUID()]
  if (request.is_default) await assertMaySetDefault(deps, caller)
  await deps.acmeAccounts.assertRoomFor(projectOf(caller), name)
  return asOperation(deps, caller, { action: 'create', accountId: id, signal }, async (work) => {
    await registerAccount(deps, {
      ...{ ...work, credentialId, credentialName: credentialNameOf(name, credentialId) },
      directoryUrl: request.directory_url,
      contactEmail: request.contact_email,
      ...(external === null
        ? {}
        : { external: { kid: external.kid, hmacKey: new SecretValue(external.hmac_key) } }),
    })
    return deps.acmeAccounts.insert({
      ...{ id, projectId: work.projectId, name, credentialId },
      directoryUrl: request.directory_url,
      stagingDirectoryUrl: request.staging_directory_url,
      contactEmail: request.contact_email,
      preferredChain: request.preferred_chain,
      isDefault: request.is_default,
      createdBy: callerLabel(caller),
    })
  })
}
