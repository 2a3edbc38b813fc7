import type { Access } from '../access-log/access.ts'
import type { InternalActor } from '../internal-actor.ts'
import type { HostCredentialKey } from './store.ts'

/** The access of `actor` to a host credential; the log has no column for a label, which says which one was meant. */
export const accessTo = (
  { host, purpose, label }: HostCredentialKey,
  actor: InternalActor,
  type: Access['type'],
  projectId: string | null | undefined,
): Access => ({
  host,
  purpose,
  type,
  by: actor.caller,
  from: actor.clientAddress,
  ...(projectId == null ? {} : { projectId }),
  ...(label === '' ? {} : { reason: `label ${label}` }),
})

/** What an answer repeats of the request: the seed's fields, and the label where there is one. */
export const keyToWire = ({ host, purpose, label }: HostCredentialKey) => ({
  host,
  purpose,
  ...(label === '' ? {} : { label }),
})
