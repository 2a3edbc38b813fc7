import type { Deps } from '../deps.ts'
import { credentialNotFound } from './find-credential.ts'
import { selectVersions, type VersionRecord } from './version-store.ts'

/** The versions of a credential that are kept, newest first; the first is the present one. */
export async function listVersions({ pool }: Deps, projectId: string, id: string): Promise<VersionRecord[]> {
  const versions = await selectVersions(pool, projectId, id)
  if (versions.length === 0) throw credentialNotFound()
  return versions
}
