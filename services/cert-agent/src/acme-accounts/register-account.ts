import { keepCredentialEndpoint } from '@opsconductor/contracts'
import type { SecretValue } from '@opsconductor/redact'
import { openAcme } from '../acme/open-acme.ts'
import type { AcmeDeps } from '../acme/open-transport.ts'
import type { Deps } from '../deps.ts'
import { makeKey } from '../issuing/make-key.ts'

export interface Registration {
  projectId: string
  /** In the broker's access log. */
  operationId: string
  actor: string
  /** Under which the broker keeps it. */
  credentialId: string
  credentialName: string
  directoryUrl: string
  contactEmail: string | null
  external?: { kid: string; hmacKey: SecretValue } | undefined
  signal: AbortSignal
}

/** What an account at a CA is used with. */
export interface AccountKey {
  key: SecretValue
  url: string
}

/** Makes a key, registers it at the CA, with its terms agreed to, and gives it to the broker. */
export async function registerAccount(
  deps: AcmeDeps & Pick<Deps, 'audit'>,
  registration: Registration,
): Promise<AccountKey> {
  const { projectId, operationId, actor, directoryUrl, external, signal } = registration
  const key = await makeKey('ec-p256')
  const acme = await openAcme(deps, { projectId, directoryUrl, account: { key, external }, signal })
  const record = (outcome: 'succeeded' | 'failed', more: Record<string, string> = {}) =>
    deps.audit.record({
      ...{ projectId, actor, action: 'acme.register', outcome, operationId },
      detail: { directory_url: directoryUrl, ...more },
    })
  let url: string
  try {
    url = await acme.register(registration.contactEmail)
    await record('succeeded', { account_url: url })
  } catch (error) {
    await record('failed')
    throw error
  } finally {
    await acme.close()
  }
  await deps.internal.call(keepCredentialEndpoint, {
    project_id: projectId,
    operation_id: operationId,
    credential_id: registration.credentialId,
    name: registration.credentialName,
    type: 'acme_account',
    secret: {
      private_key: key.reveal(),
      ...(external === undefined ? {} : { eab_hmac_key: external.hmacKey.reveal() }),
    },
    extra: {
      directory_url: directoryUrl,
      account_url: url,
      ...(external === undefined ? {} : { eab_kid: external.kid }),
    },
  })
  return { key, url }
}
