import { AppError } from '@opsconductor/errors'
import type { Access } from '../access-log/access.ts'
import type { ProjectActor } from '../project-actor.ts'

/** The purpose under which what is done to vaults is logged; the vault's name stands for the host. */
const vaultPurpose = 'vault'

interface Operation {
  type: Access['type']
  id: string
  name: string
  reason?: string
}

export const accessToVault = (
  { label: by, projectId, clientAddress: from }: ProjectActor,
  { type, id, name, reason }: Operation,
): Access => ({
  ...{ host: name, purpose: vaultPurpose, type, by, from, projectId, credentialUuid: id },
  ...(reason === undefined ? {} : { reason }),
})

/** The same for what is not there and for another project's. */
export const vaultNotFound = () => new AppError('not_found', 'There is no such vault in this project.')
