import type { UpdateVault } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import { unknownHost } from '../access-log/access.ts'
import { changeWithAccess } from '../access-log/record-access.ts'
import type { ProjectActor } from '../project-actor.ts'
import type { VaultDeps } from './create-vaults.ts'
import { refuseWhileReferred } from './delete-vault.ts'
import { parseVault } from './parse-vault.ts'
import { type SealedVault, selectSealedVault, updateVaultRow, type VaultRecord } from './store.ts'
import { accessToVault, vaultNotFound } from './vault-access.ts'
import { sealAuth } from './vault-auth.ts'

type Request = z.infer<typeof UpdateVault>

/**
 * Changes what the request names. Throws `conflict` where the name is taken, or where credentials know the vault by the
 * former one.
 */
export function updateVault(
  deps: VaultDeps,
  actor: ProjectActor,
  id: string,
  request: Request,
): Promise<VaultRecord> {
  const { projectId, label: by } = actor
  const access = accessToVault(actor, { type: 'update', id, name: unknownHost })
  return changeWithAccess(
    deps,
    access,
    async (client, changed) => {
      const current = await selectSealedVault(client, projectId, id, { lock: true })
      if (current === undefined) throw vaultNotFound()
      const name = request.name ?? current.name
      if (name !== current.name)
        await refuseWhileReferred(client, { projectId, id: null, name: current.name })
      const description = request.description === undefined ? current.description : request.description
      return updateVaultRow(client, { ...current, ...changed, name, description }, by)
    },
    async () => {
      const current = await selectSealedVault(deps.pool, projectId, id)
      if (current === undefined) throw vaultNotFound()
      access.host = current.name
      return planChange(deps, current, request)
    },
  )
}

/** The provider never changes, so what was parsed by it stays good whoever else changes the row meanwhile. */
async function planChange(
  { cipher, vaults }: VaultDeps,
  current: SealedVault,
  { settings, auth }: Request,
): Promise<Partial<SealedVault>> {
  if (settings === undefined && auth === undefined) return {}
  if (auth === undefined) throw authMissing()
  const parsed = parseVault(
    { provider: current.provider, settings: settings ?? current.settings, auth },
    vaults.outbound,
  )
  return { settings: parsed.settings, auth: await sealAuth(cipher, current, parsed.auth) }
}

/** Whoever may change an address but not see the stored auth must not have it sent to one of their own. */
function authMissing(): AppError {
  const message = 'must be given again with new settings'
  return new AppError('validation_failed', `body.auth ${message}`, {
    errors: [{ path: 'body.auth', message }],
  })
}
