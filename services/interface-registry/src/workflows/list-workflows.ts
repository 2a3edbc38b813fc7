import { type Caller, projectOf } from '@opsconductor/auth'
import type { PageQuery } from '@opsconductor/contracts'
import { toPage } from '@opsconductor/service-kit'
import type { Deps } from '../deps.ts'
import { selectWorkflows } from './store.ts'
import { workflowToWire } from './workflow-to-wire.ts'

export async function listWorkflows({ prisma }: Deps, caller: Caller, query: PageQuery) {
  return toPage(await selectWorkflows(prisma, projectOf(caller), query), query.limit, workflowToWire)
}
