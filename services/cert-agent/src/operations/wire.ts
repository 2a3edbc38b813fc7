import type { Operation } from '@opsconductor/contracts'
import type { Reply } from '@opsconductor/service-kit'
import type { StoredOperation } from './store.ts'

const at = (time: Date | null): string | null => time?.toISOString() ?? null

// The columns hold what this service wrote in the shape of the contract.
export const operationToWire = (operation: StoredOperation): Operation => ({
  id: operation.id,
  project_id: operation.projectId,
  kind: operation.kind as Operation['kind'],
  batch_id: operation.batchId,
  certificate_id: operation.certificateId,
  server_id: operation.serverId,
  actor: operation.actor,
  state: operation.state as Operation['state'],
  progress: operation.progress as Operation['progress'],
  result: operation.result as Operation['result'],
  error: operation.error as Operation['error'],
  status_url: operationUrl(operation),
  created_at: operation.createdAt.toISOString(),
  started_at: at(operation.startedAt),
  finished_at: at(operation.finishedAt),
})

/** The answer of whatever starts one. */
export const acceptedOperation = (operation: StoredOperation): Reply => ({
  status: 202,
  headers: { Location: operationUrl(operation) },
  body: operationToWire(operation),
})

export const operationUrl = ({ id }: Pick<StoredOperation, 'id'>): string =>
  `/api/certificates/operations/${id}`
