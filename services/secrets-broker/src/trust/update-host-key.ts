import type { UpdateTrustedHostKey } from '@opsconductor/contracts'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import type { ProjectActor } from '../project-actor.ts'
import { changeTrust, trustNotFound } from './change-trust.ts'
import { type HostKeyRecord, updateHostKeyRow } from './store.ts'

/** Revokes a key, takes that back, or changes what is said of it; another key is another thing. */
export const updateHostKey = (
  deps: Deps,
  actor: ProjectActor,
  id: string,
  { comment, revoked }: z.infer<typeof UpdateTrustedHostKey>,
): Promise<HostKeyRecord> =>
  changeTrust(deps, actor, {
    type: 'update',
    purpose: 'ssh_host_key',
    id,
    async change(client, access) {
      const { projectId, label: by } = actor
      const record = await updateHostKeyRow(client, { projectId, id }, { comment, revoked, by })
      if (record === undefined) throw trustNotFound()
      access.host = record.host
      return record
    },
  })
