import { sealEndpoint } from '@opsconductor/contracts'
import type { Deps } from '../deps.ts'
import { type SealedText, sealedTable } from './store.ts'

/** What a connector keeps secret, encrypted by the broker for this one row. */
export function sealSecret(
  { internal }: Pick<Deps, 'internal'>,
  { id, sourceProjectId }: { id: string; sourceProjectId: string },
  secret: Record<string, string>,
): Promise<SealedText> {
  return internal.call(sealEndpoint, {
    project_id: sourceProjectId,
    table: sealedTable,
    id,
    plaintext: JSON.stringify(secret),
  })
}
