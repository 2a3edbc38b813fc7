import type { UpdateCaBundle } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import type { ProjectActor } from '../project-actor.ts'
import { changeTrust, trustNotFound } from './change-trust.ts'
import { type CaBundleRecord, updateCaBundleRow } from './store.ts'

/** Renames a bundle, or replaces all its certificates. Throws as for a new one, and `not_found`. */
export const updateCaBundle = (
  deps: Deps,
  actor: ProjectActor,
  id: string,
  { name, certificates }: z.infer<typeof UpdateCaBundle>,
): Promise<CaBundleRecord> =>
  changeTrust(deps, actor, {
    type: 'update',
    purpose: 'ca_bundle',
    id,
    async prepare() {
      const { parseCaBundle } = await import('./parse-ca-bundle.ts')
      return certificates === undefined ? {} : parseCaBundle(certificates)
    },
    async change(client, access, parsed) {
      const which = { projectId: actor.projectId, id }
      const renamed = name === undefined ? {} : { name }
      const record = await updateCaBundleRow(client, which, { ...renamed, ...parsed, by: actor.label })
      if (record === undefined) throw trustNotFound()
      access.host = record.name
      return record
    },
  })
