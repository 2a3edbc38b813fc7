import { randomUUID } from 'node:crypto'
import type { CreateCaBundle } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import type { ProjectActor } from '../project-actor.ts'
import { changeTrust } from './change-trust.ts'
import { assertRoomFor, type CaBundleRecord, insertCaBundle } from './store.ts'

/** So few that a project's bundles fit into one answer. */
const bundlesMax = 20

/** Trusts the certificates of a PEM text. Throws `validation_failed`, and `conflict` where the name is taken. */
export function createCaBundle(
  deps: Deps,
  actor: ProjectActor,
  { name, certificates }: z.infer<typeof CreateCaBundle>,
): Promise<CaBundleRecord> {
  const { projectId, label: by } = actor
  const id = randomUUID()
  return changeTrust(deps, actor, {
    type: 'create',
    purpose: 'ca_bundle',
    id,
    async prepare(access) {
      access.host = name
      const { parseCaBundle } = await import('./parse-ca-bundle.ts')
      return parseCaBundle(certificates)
    },
    async change(client, _, parsed) {
      await assertRoomFor(client, 'ca_bundles', projectId, bundlesMax)
      return insertCaBundle(client, { id, projectId, name, ...parsed, by })
    },
  })
}
