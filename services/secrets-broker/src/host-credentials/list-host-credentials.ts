import type { HostCredential, ListHostCredentials } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { selectHostCredentialPage } from './store.ts'

/** The project's own, newest first: no password, and nothing of `additional_data`, which may hold one. */
export async function listHostCredentials(
  { pool }: Deps,
  projectId: string,
  query: z.infer<typeof ListHostCredentials>,
): Promise<{ items: HostCredential[]; next_cursor: string | null }> {
  const rows = await selectHostCredentialPage(pool, projectId, query)
  const items = rows.slice(0, query.limit).map(({ created_at, updated_at, ...row }) => ({
    ...row,
    created_at: created_at.toISOString(),
    updated_at: updated_at.toISOString(),
  }))
  return { items, next_cursor: rows.length > query.limit ? String(items.at(-1)?.id) : null }
}
