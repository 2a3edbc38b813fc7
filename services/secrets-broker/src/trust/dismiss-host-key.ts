import type { Deps } from '../deps.ts'
import type { ProjectActor } from '../project-actor.ts'
import { changeTrust, trustNotFound } from './change-trust.ts'
import { takeSeenHostKey } from './seen-host-key-store.ts'

/** Forgets a key that waits to be approved; it waits again when its host shows it again. */
export const dismissHostKey = (deps: Deps, actor: ProjectActor, id: string): Promise<void> =>
  changeTrust(deps, actor, {
    type: 'delete',
    purpose: 'ssh_host_key',
    id,
    async change(client, access) {
      const seen = await takeSeenHostKey(client, { projectId: actor.projectId, id })
      if (seen === undefined) throw trustNotFound()
      access.host = seen.host
    },
  })
