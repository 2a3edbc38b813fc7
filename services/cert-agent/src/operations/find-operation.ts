import { type Caller, projectOf } from '@opsconductor/auth'
import type { findOperationEndpoint, ListOperations } from '@opsconductor/contracts'
import { AppError } from '@opsconductor/errors'
import type { z } from 'zod'
import { assertMaySeeCertificate } from '../client-limits/assert-may-manage.ts'
import { findLimit } from '../client-limits/find-limit.ts'
import type { Deps } from '../deps.ts'
import { findNotificationLoan } from '../notifications/find-notification-loan.ts'
import type { StoredOperation } from './store.ts'

type Needed = Pick<Deps, 'operations' | 'clientLimits' | 'audit'>

export const unknownOperation = () => new AppError('not_found', 'There is no such operation.')

/** A limited API key sees what is about its servers or certificates, and what it asked for. */
export async function findOperation(deps: Needed, caller: Caller, id: string): Promise<StoredOperation> {
  const operation = await deps.operations.find(projectOf(caller), id)
  if (operation === undefined) throw unknownOperation()
  const limit = await findLimit(deps, caller)
  const { actor, serverId, certificateId } = operation
  if (limit === undefined || actor === limit.by || limit.serverIds.includes(serverId ?? '')) return operation
  if (certificateId === null) throw unknownOperation()
  await assertMaySeeCertificate(deps, caller, certificateId)
  return operation
}

export async function listOperations(
  deps: Needed,
  caller: Caller,
  query: z.infer<typeof ListOperations>,
): Promise<StoredOperation[]> {
  return deps.operations.list(projectOf(caller), query, await findLimit(deps, caller))
}

/** What the broker asks before it lends. */
export async function findLoan(
  deps: Pick<Deps, 'operations' | 'notifications' | 'now'>,
  id: string,
): Promise<z.infer<typeof findOperationEndpoint.answer>> {
  const operation = await deps.operations.findById(id)
  if (operation === undefined) {
    const loan = await findNotificationLoan(deps, id)
    if (loan !== undefined) return loan
    throw unknownOperation()
  }
  return {
    project_id: operation.projectId,
    running: operation.state === 'running',
    credentials: operation.credentials,
  }
}
