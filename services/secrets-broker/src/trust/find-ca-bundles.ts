import type { PageQuery } from '@opsconductor/contracts'
import type { Deps } from '../deps.ts'
import { trustNotFound } from './change-trust.ts'
import { type CaBundleRecord, type ListedCaBundleRecord, selectCaBundle, selectCaBundles } from './store.ts'

export async function findCaBundle({ prisma }: Deps, projectId: string, id: string): Promise<CaBundleRecord> {
  const record = await selectCaBundle(prisma, { projectId, id })
  if (record === null) throw trustNotFound()
  return record
}

/** Newest first, without the certificates themselves; one more than the page holds. */
export const listCaBundles = (
  { prisma }: Deps,
  projectId: string,
  query: PageQuery,
): Promise<ListedCaBundleRecord[]> => selectCaBundles(prisma, projectId, query)
