import { trustTopics } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import { publishEvent } from '@opsconductor/events'
import type pg from 'pg'
import { type Access, unknownHost } from '../access-log/access.ts'
import { changeWithAccess } from '../access-log/record-access.ts'
import type { Deps } from '../deps.ts'
import type { ProjectActor } from '../project-actor.ts'

export interface TrustChange<T, Prepared> {
  type: Exclude<Access['type'], 'read'>
  purpose: 'ssh_host_key' | 'ca_bundle'
  id: string
  /** What takes its time. This and `change` tell `access.host` what the thing is called as soon as that is known. */
  prepare?(access: Access): Prepared | Promise<Prepared>
  change(client: pg.PoolClient, access: Access, prepared: Prepared): Promise<T>
}

/**
 * Changes whom the project trusts, in one transaction with its row in the access log, whose `credential_uuid` is the id of
 * what was changed; other processes are told when it is committed.
 */
export function changeTrust<T, Prepared = void>(
  deps: Deps,
  { label: by, projectId, clientAddress }: ProjectActor,
  { type, purpose, id, prepare, change }: TrustChange<T, Prepared>,
): Promise<T> {
  const access: Access = {
    host: unknownHost,
    purpose,
    type,
    by,
    from: clientAddress,
    projectId,
    credentialUuid: id,
    isTrust: true,
  }
  return changeWithAccess(
    deps,
    access,
    async (client, prepared) => {
      const result = await change(client, access, prepared)
      await publishEvent(client, {
        topic: trustTopics.trustChanged,
        key: projectId,
      })
      return result
    },
    async () => prepare?.(access) as Prepared,
  )
}

/** The same for what is not there and what is another project's. */
export const trustNotFound = () => new AppError('not_found', 'There is no such thing in this project.')
