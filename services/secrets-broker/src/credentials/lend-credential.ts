import type { LentCredential } from '@opsconductor/contracts'
import { lendable } from '../credential-types/lend.ts'
import { vaultRefType } from '../credential-types/vault-ref.ts'
import type { Deps } from '../deps.ts'
import type { InternalActor } from '../internal-actor.ts'
import type { Permit } from '../runs/assert-may-use.ts'
import { readVaultRef } from '../vaults/read-vault-ref.ts'
import type { SecretParts } from './credential-secret.ts'

interface Lending {
  id: string
  projectId: string
  name: string
  type: string
  extra: Record<string, unknown>
  /** Not called where a vault has the secret. */
  open(): Promise<SecretParts>
}

/** What a borrower gets, once it is known that it may have it; of a secret in a vault, what it is there. */
export async function lendCredential(
  deps: Deps,
  { caller, clientAddress }: InternalActor,
  credential: Lending,
  { limitsHosts, limitsCaBundles }: Permit,
): Promise<LentCredential> {
  const { type, secret, extra } =
    credential.type === vaultRefType
      ? await readVaultRef(deps, credential, { by: caller, from: clientAddress })
      : { ...credential, secret: await credential.open() }
  return {
    id: credential.id,
    name: credential.name,
    type,
    secret,
    extra: extra as LentCredential['extra'],
    ...lendable(type, secret, extra),
    limits_hosts: limitsHosts,
    limits_ca_bundles: limitsCaBundles,
  }
}
