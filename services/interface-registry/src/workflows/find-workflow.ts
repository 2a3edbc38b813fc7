import { type Caller, projectOf } from '@opsconductor/auth'
import { AppError } from '@opsconductor/errors'
import type { Deps } from '../deps.ts'
import { selectWorkflow, type WorkflowRecord } from './store.ts'

/** A workflow of the caller's project; another project's does not exist for the caller. */
export async function findWorkflow(
  { prisma }: Pick<Deps, 'prisma'>,
  caller: Caller,
  id: string,
): Promise<WorkflowRecord> {
  const workflow = await selectWorkflow(prisma, projectOf(caller), id)
  if (workflow === undefined) throw new AppError('not_found', 'There is no such workflow.')
  return workflow
}
