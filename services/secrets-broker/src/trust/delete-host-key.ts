import type { Deps } from '../deps.ts'
import type { ProjectActor } from '../project-actor.ts'
import { changeTrust, trustNotFound } from './change-trust.ts'
import { deleteHostKeyRow } from './store.ts'

/** Forgets a key: neither trusted nor revoked any more. */
export const deleteHostKey = (deps: Deps, actor: ProjectActor, id: string): Promise<void> =>
  changeTrust(deps, actor, {
    type: 'delete',
    purpose: 'ssh_host_key',
    id,
    async change(client, access) {
      const host = await deleteHostKeyRow(client, { projectId: actor.projectId, id })
      if (host === undefined) throw trustNotFound()
      access.host = host
    },
  })
