import type { ListTrustedHostKeys } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { trustNotFound } from './change-trust.ts'
import { type SeenHostKeyRecord, selectSeenHostKeys } from './seen-host-key-store.ts'
import { type HostKeyRecord, selectHostKey, selectHostKeys } from './store.ts'

export async function findHostKey({ prisma }: Deps, projectId: string, id: string): Promise<HostKeyRecord> {
  const record = await selectHostKey(prisma, { projectId, id })
  if (record === null) throw trustNotFound()
  return record
}

/** Newest first; one more than the page holds. */
export const listHostKeys = (
  { prisma }: Deps,
  projectId: string,
  query: z.infer<typeof ListTrustedHostKeys>,
): Promise<HostKeyRecord[]> => selectHostKeys(prisma, projectId, query)

/** The same of those that wait to be approved. */
export const listSeenHostKeys = (
  { prisma }: Deps,
  projectId: string,
  query: z.infer<typeof ListTrustedHostKeys>,
): Promise<SeenHostKeyRecord[]> => selectSeenHostKeys(prisma, projectId, query)
