import type { ApproveHostKey } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import type { ProjectActor } from '../project-actor.ts'
import { changeTrust, trustNotFound } from './change-trust.ts'
import { trustedKeysMax } from './create-host-key.ts'
import { takeSeenHostKey } from './seen-host-key-store.ts'
import { assertRoomFor, type HostKeyRecord, insertHostKey } from './store.ts'

/** Trusts a key that a host has shown, under the id that it had while it waited. Keys trusted before stay so. */
export const approveHostKey = (
  deps: Deps,
  actor: ProjectActor,
  id: string,
  { fingerprint, comment = null }: z.infer<typeof ApproveHostKey>,
): Promise<HostKeyRecord> =>
  changeTrust(deps, actor, {
    type: 'create',
    purpose: 'ssh_host_key',
    id,
    async change(client, access) {
      const { projectId, label: by } = actor
      const seen = await takeSeenHostKey(client, { projectId, id })
      if (seen === undefined) throw trustNotFound()
      access.host = seen.host
      if (seen.fingerprint !== fingerprint)
        throw new AppError('validation_failed', 'body.fingerprint is not of this key', {
          errors: [
            { path: 'body.fingerprint', message: 'is not of this key: compare it on the host itself' },
          ],
        })
      await assertRoomFor(client, 'trusted_host_keys', projectId, trustedKeysMax)
      const { host, port, keyType, publicKey } = seen
      return insertHostKey(client, {
        ...{ id, projectId, host, port, keyType, publicKey, fingerprint, comment, by },
        ...{ revoked: false, isAuthority: false },
      })
    },
  })
