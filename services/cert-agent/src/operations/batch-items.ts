import { idFor } from '@opsconductor/service-kit'
import { renewCertificate } from '../certificates/renew-certificate.ts'
import { wishDeployments } from '../deployments/wish-deployments.ts'
import type { Prisma } from '../generated/client.ts'
import { requestCancel } from './cancel-operation.ts'
import type { OperationDeps } from './operation-deps.ts'
import type { StoredOperation } from './store.ts'

/** Once for each certificate of a batch, however often it is called. */
export async function startItem(
  deps: OperationDeps,
  batchId: string,
  certificateId: string,
): Promise<string | null> {
  const id = idFor('item', batchId, certificateId)
  if ((await deps.operations.findById(id)) !== undefined) return id
  const batch = await deps.operations.findById(batchId)
  const certificate = await deps.certificates.findById(certificateId)
  if (batch === undefined || certificate === undefined) return null
  const { action, server_ids: servers } = batch.request as { action: string; server_ids?: string[] }
  const { actor } = batch
  if (action === 'renew') return (await renewCertificate(deps, certificate, { actor, id, batchId })).id
  const naming = await deps.deployments.serversNaming(certificateId)
  const serverIds = naming.filter((id) => servers?.includes(id) ?? true)
  if (serverIds.length === 0 || certificate.version === 0) return null
  return (await wishDeployments(deps, certificate, { actor, serverIds, id, batchId })).id
}

export async function isSettled({ operations }: OperationDeps, id: string): Promise<boolean> {
  const operation = await operations.findById(id)
  return operation === undefined || operation.finishedAt !== null || isWaiting(operation)
}

/** It failed, and will be tried again. */
function isWaiting({ progress }: StoredOperation): boolean {
  const { attempts = 0 } = progress as { attempts?: number }
  return attempts > 0
}

export async function cancelItems(deps: OperationDeps, batchId: string): Promise<void> {
  const items = await deps.operations.itemsOf(batchId)
  for (const item of items) if (item.finishedAt === null) await requestCancel(deps, item)
}

/** By certificate; those that wait to be tried again go on without the batch. */
export async function resultOfBatch(
  { operations }: OperationDeps,
  batchId: string,
): Promise<Prisma.InputJsonObject> {
  const batch = await operations.findById(batchId)
  const { certificate_ids: ids = [] } = (batch?.request ?? {}) as { certificate_ids?: string[] }
  const items = new Map((await operations.itemsOf(batchId)).map((item) => [item.certificateId, item]))
  const results = ids.map((id) => toResult(id, items.get(id)))
  const count = (state: string) => results.filter((one) => one.state === state).length
  return {
    total: ids.length,
    succeeded: count('succeeded'),
    failed: count('failed') + count('cancelled'),
    retrying: count('retrying'),
    skipped: count('skipped'),
    items: results,
  }
}

function toResult(certificateId: string, item: StoredOperation | undefined) {
  if (item === undefined) return { certificate_id: certificateId, state: 'skipped' }
  const { error } = item.finishedAt === null ? (item.progress as { error?: Prisma.JsonValue }) : item
  return {
    certificate_id: certificateId,
    operation_id: item.id,
    state: item.finishedAt === null ? 'retrying' : item.state,
    ...(error === null || error === undefined ? {} : { error }),
  }
}
