import { randomUUID } from 'node:crypto'
import type { CreateVault } from '@opsconductor/contracts'
import type { z } from 'zod'
import { changeWithAccess } from '../access-log/record-access.ts'
import type { ProjectActor } from '../project-actor.ts'
import type { VaultDeps } from './create-vaults.ts'
import { parseVault } from './parse-vault.ts'
import { insertVault, type VaultRecord } from './store.ts'
import { accessToVault } from './vault-access.ts'
import { sealAuth } from './vault-auth.ts'

/** Stores a vault of the project, what proves who we are encrypted. Nothing is sent to it yet. */
export function createVault(
  deps: VaultDeps,
  actor: ProjectActor,
  request: z.infer<typeof CreateVault>,
): Promise<VaultRecord> {
  const id = randomUUID()
  const { name, provider, description } = request
  const { projectId, label: by } = actor
  const access = accessToVault(actor, { type: 'create', id, name })
  return changeWithAccess(
    deps,
    access,
    (client, parsed) =>
      insertVault(client, { ...{ id, projectId, name, provider, description, by }, ...parsed }),
    async () => {
      const { settings, auth } = parseVault(request, deps.vaults.outbound)
      return { settings, auth: await sealAuth(deps.cipher, { id, projectId }, auth) }
    },
  )
}
