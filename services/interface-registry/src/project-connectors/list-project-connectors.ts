import { type Caller, projectOf } from '@opsconductor/auth'
import type { ListProjectConnectors } from '@opsconductor/contracts'
import { toPage } from '@opsconductor/service-kit'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { projectConnectorToWire } from './project-connector-to-wire.ts'
import { selectProjectConnectors } from './store.ts'

export async function listProjectConnectors(
  { pool }: Deps,
  caller: Caller,
  query: z.infer<typeof ListProjectConnectors>,
) {
  const rows = await selectProjectConnectors(pool, projectOf(caller), query)
  return toPage(rows, query.limit, projectConnectorToWire)
}
