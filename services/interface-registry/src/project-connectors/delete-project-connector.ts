import type { Caller } from '@opsconductor/auth'
import type { Deps } from '../deps.ts'
import { doLogged } from './do-logged.ts'
import { findProjectConnector } from './find-project-connector.ts'
import { markDeleting } from './store.ts'

/** Ends all calls through it at once. Either project may: the called one takes its consent back so. */
export async function deleteProjectConnector(deps: Deps, caller: Caller, id: string): Promise<void> {
  const found = await findProjectConnector(deps, caller, id)
  await doLogged(deps, caller, found, 'delete', (client) => markDeleting(client, found.id))
  deps.events.projectConnectorChanged('deleted', caller, id)
}
