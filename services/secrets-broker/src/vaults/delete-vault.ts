import { AppError } from '@opsconductor/errors'
import type pg from 'pg'
import { unknownHost } from '../access-log/access.ts'
import { changeWithAccess } from '../access-log/record-access.ts'
import type { ProjectActor } from '../project-actor.ts'
import type { VaultDeps } from './create-vaults.ts'
import { countReferences, deleteVaultRow, selectSealedVault } from './store.ts'
import { accessToVault, vaultNotFound } from './vault-access.ts'

/** Forgets a vault; throws `conflict` while credentials read from it. */
export async function deleteVault(deps: VaultDeps, actor: ProjectActor, id: string): Promise<void> {
  const { projectId } = actor
  const access = accessToVault(actor, { type: 'delete', id, name: unknownHost })
  await changeWithAccess(deps, access, async (client) => {
    const vault = await selectSealedVault(client, projectId, id, { lock: true })
    if (vault === undefined) throw vaultNotFound()
    access.host = vault.name
    await refuseWhileReferred(client, { projectId, id, name: vault.name })
    await deleteVaultRow(client, projectId, id)
  })
}

/** `id` is null where only the name is at stake. */
export async function refuseWhileReferred(
  client: pg.PoolClient,
  vault: { projectId: string; id: string | null; name: string },
): Promise<void> {
  const count = await countReferences(client, vault)
  if (count > 0)
    throw new AppError(
      'conflict',
      `${count} ${count === 1 ? 'credential reads' : 'credentials read'} from this vault; change or delete ${count === 1 ? 'it' : 'them'} first.`,
    )
}
