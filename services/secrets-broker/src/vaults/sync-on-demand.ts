import { AppError } from '@opsconductor/errors'
import { VaultRefExtra, vaultRefType } from '../credential-types/vault-ref.ts'
import { findCredential } from '../credentials/find-credential.ts'
import type { Deps } from '../deps.ts'
import type { ProjectActor } from '../project-actor.ts'
import { type CopyRecord, selectCopy } from './copy-store.ts'
import { syncCredential } from './sync-credential.ts'

async function findSynchronised(deps: Deps, projectId: string, id: string) {
  const credential = await findCredential(deps, projectId, id)
  if (credential.type !== vaultRefType || VaultRefExtra.parse(credential.extra).mode !== 'synchronised')
    throw new AppError('conflict', 'The credential is not synchronised with a vault.')
  return credential
}

/** How our copy stands to the vault; undefined before it was read for the first time. */
export async function findSync(deps: Deps, projectId: string, id: string): Promise<CopyRecord | undefined> {
  const credential = await findSynchronised(deps, projectId, id)
  return selectCopy(deps.pool, projectId, credential.id)
}

/** Reads the vault now, and takes what it has. */
export async function syncOnDemand(deps: Deps, actor: ProjectActor, id: string): Promise<CopyRecord> {
  const { projectId, label: by, clientAddress: from } = actor
  const credential = await findSynchronised(deps, projectId, id)
  deps.checkLimits.ofProject.take(projectId)
  const { copy } = await syncCredential(deps, credential, {
    ...{ by, from, reason: 'vault synchronisation on demand', take: true },
  })
  return copy
}
