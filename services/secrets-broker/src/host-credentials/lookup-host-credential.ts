import type { HostCredentialFound, HostCredentialKey } from '@opsconductor/contracts'
import type { z } from 'zod'
import { readWithAccess } from '../access-log/record-access.ts'
import type { Deps } from '../deps.ts'
import type { InternalActor } from '../internal-actor.ts'
import { accessTo } from './access-to.ts'
import { assertPurpose } from './assert-purpose.ts'
import { etagOf, matchesEtag } from './etag.ts'
import { hostCredentialNotFound } from './not-found.ts'
import { noteCredential, openHostCredential } from './open-host-credential.ts'
import { scopeOf } from './scope.ts'

interface Lookup {
  etag: string
  /** Undefined where the caller has this version already: nothing was opened. */
  credential: z.infer<typeof HostCredentialFound> | undefined
}

/** The credential, decrypted. `ifNoneMatch` is the header of that name. */
export function lookupHostCredential(
  deps: Deps,
  actor: InternalActor,
  request: z.infer<typeof HostCredentialKey>,
  ifNoneMatch: string | undefined,
): Promise<Lookup> {
  const access = accessTo(request, actor, 'read', request.project_id)
  return readWithAccess(deps, access, async () => {
    assertPurpose(actor, request.purpose)
    const found = await deps.findHostCredential(request, scopeOf(actor, request.project_id))
    if (found === undefined) throw hostCredentialNotFound()
    noteCredential(access, found)
    const etag = etagOf(found)
    if (matchesEtag(ifNoneMatch, etag)) return { etag, credential: undefined }
    return { etag, credential: await openHostCredential(deps.hostCipher, found) }
  })
}
