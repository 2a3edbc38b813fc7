import type { ListVaults } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { selectVault, selectVaults, type VaultRecord } from './store.ts'
import { vaultNotFound } from './vault-access.ts'

export async function findVault({ prisma }: Deps, projectId: string, id: string): Promise<VaultRecord> {
  const vault = await selectVault(prisma, projectId, id)
  if (vault === undefined) throw vaultNotFound()
  return vault
}

/** The project's vaults, newest first; one more than the page holds. */
export const listVaults = (
  { prisma }: Deps,
  projectId: string,
  query: z.infer<typeof ListVaults>,
): Promise<VaultRecord[]> => selectVaults(prisma, projectId, query)
