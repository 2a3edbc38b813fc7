import { type Caller, projectOf } from '@opsconductor/auth'
import type { ListConnectors } from '@opsconductor/contracts'
import { toPage } from '@opsconductor/service-kit'
import type { z } from 'zod'
import { asProject } from '../acting-project.ts'
import type { Deps } from '../deps.ts'
import { connectorToWire } from './connector-to-wire.ts'
import { selectConnectors } from './store.ts'

/** The project's connectors and those that were shared with it. */
export async function listConnectors({ pool }: Deps, caller: Caller, query: z.infer<typeof ListConnectors>) {
  const projectId = projectOf(caller)
  const found = await asProject(pool, projectId, (client) => selectConnectors(client, projectId, query))
  return toPage(found, query.limit, connectorToWire(projectId))
}
