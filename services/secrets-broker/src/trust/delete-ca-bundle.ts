import type { Deps } from '../deps.ts'
import type { ProjectActor } from '../project-actor.ts'
import { changeTrust, trustNotFound } from './change-trust.ts'
import { deleteCaBundleRow } from './store.ts'

export const deleteCaBundle = (deps: Deps, actor: ProjectActor, id: string): Promise<void> =>
  changeTrust(deps, actor, {
    type: 'delete',
    purpose: 'ca_bundle',
    id,
    async change(client, access) {
      const name = await deleteCaBundleRow(client, { projectId: actor.projectId, id })
      if (name === undefined) throw trustNotFound()
      access.host = name
    },
  })
