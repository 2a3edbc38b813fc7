import type { PageQuery } from '@opsconductor/contracts'
import type pg from 'pg'
import type { Deps } from '../deps.ts'
import { trustNotFound } from './change-trust.ts'
import {
  type CaBundleRecord,
  type ListedCaBundleRecord,
  selectCaBundle,
  selectCaBundleNames,
  selectCaBundles,
} from './store.ts'

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

/** Which of the names are CA bundles of the project. */
export const findCaBundleNames = (
  executor: pg.Pool | pg.PoolClient,
  projectId: string,
  names: readonly string[],
): Promise<string[]> => selectCaBundleNames(executor, projectId, names)
