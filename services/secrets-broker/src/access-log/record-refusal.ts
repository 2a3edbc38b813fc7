import { upsertHostCredentialEndpoint } from '@opsconductor/contracts'
import type { InternalRefusal } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { type Access, unknownHost, unknownPurpose } from './access.ts'

/**
 * Logs an internal request without a valid key, or of a service that the endpoint is not for. It is refused whether or
 * not its row can be written: nothing leaves. What it asked for is not looked at, hence `unknown`.
 */
export async function recordRefusal({ accessLog, events }: Deps, refusal: InternalRefusal): Promise<void> {
  events.refused(refusal)
  await accessLog
    .append({
      host: unknownHost,
      purpose: unknownPurpose,
      type: accessTypeOf(refusal.endpoint),
      by: refusal.caller,
      from: refusal.clientAddress,
      error: refusal.error.message,
    })
    .catch(events.refusalNotLogged)
}

function accessTypeOf({ method, path }: InternalRefusal['endpoint']): Access['type'] {
  if (method === 'delete') return 'delete'
  return path === upsertHostCredentialEndpoint.path ? 'create' : 'read'
}
