import type { CheckFault, CredentialTestResult } from '@opsconductor/contracts'
import { type Access, credentialPurpose } from '../access-log/access.ts'
import { readWithAccess } from '../access-log/record-access.ts'
import { VaultRefExtra } from '../credential-types/vault-ref.ts'
import type { Events } from '../events.ts'
import type { ProjectActor } from '../project-actor.ts'
import type { VaultDeps } from './create-vaults.ts'
import { findReferredVault, fitSecret, readReference } from './read-reference.ts'
import type { ReferringCredential } from './sync-credential.ts'
import { isVaultError, type VaultErrorCode } from './vault-error.ts'

const faults: Record<VaultErrorCode, CheckFault> = {
  vault_forbidden: 'credential_refused',
  vault_secret_not_found: 'credential_unusable',
  vault_secret_unfit: 'credential_unusable',
  vault_unreachable: 'target_unreachable',
  vault_sealed: 'target_failed',
  vault_throttled: 'target_failed',
  vault_bad_answer: 'target_refused',
}

/** Reads the secret from its vault now, past cache and copy, and looks whether it fits its type; keeps nothing of it. */
export async function testVaultRef(
  deps: VaultDeps & { events: Events },
  { label: by, projectId, clientAddress: from }: ProjectActor,
  credential: ReferringCredential,
): Promise<CredentialTestResult> {
  const access: Access = {
    ...{ host: credential.name, purpose: credentialPurpose, type: 'read', by, from, projectId },
    credentialUuid: credential.id,
    reason: `credential check asked for by ${by}`,
  }
  const started = performance.now()
  const tell = (code: string) =>
    deps.events.credentialTested({ projectId, credentialId: credential.id, askedBy: by, code })
  const facts = () => ({
    latency_ms: Math.round(performance.now() - started),
    checked_at: deps.now().toISOString(),
  })
  try {
    await readWithAccess(deps, access, async () => {
      const reference = VaultRefExtra.parse(credential.extra)
      const vault = await findReferredVault(deps, projectId, reference)
      const { values } = await readReference(deps, vault, reference)
      await fitSecret(reference, values)
    })
    tell('ok')
    return { ok: true, ...facts() }
  } catch (error) {
    if (!isVaultError(error)) throw error
    const code = faults[error.code as VaultErrorCode]
    tell(code)
    return { ok: false, ...facts(), code, message: error.message }
  }
}
