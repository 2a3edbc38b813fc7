import type { ListCredentials } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { type CredentialRecord, selectCredentials } from './store.ts'

/** The project's credentials that are not deleted, newest first; one more than the page holds. */
export const listCredentials = (
  { prisma }: Deps,
  projectId: string,
  query: z.infer<typeof ListCredentials>,
): Promise<CredentialRecord[]> => selectCredentials(prisma, projectId, query)
